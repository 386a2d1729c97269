package io.finestream.tuning;

import io.finestream.diffusion.Noise;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.ModelConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/**
 * The labeled images of a stream, and the batches that are drawn from them: new images for as long as they are fresh,
 * and beside them images seen before, drawn evenly over their classes, so that what was known stays. A share of the
 * images is held out for measuring, chosen by the image's name alone.
 *
 * <p>Batch k depends on the seed, on k and on what came before, so that a restored sampler goes on as if it had never
 * stopped.
 */
public final class StreamSampler {

    /** Where an image is kept. */
    public enum Place {
        /** Still to be trained on. */
        FRESH,
        /** Seen before. */
        REPLAY,
        /** Measured on, never trained on. */
        HELD_OUT
    }

    /**
     * An image as it is saved.
     *
     * @param usesLeft of a fresh one: how many batches it is still to be in
     */
    public record Kept(LabeledLatent image, Place place, int usesLeft) {}

    /** Images offered so far to be kept for replay, and to be held out, by class. */
    public record Counts(Map<Integer, Long> replay, Map<Integer, Long> heldOut) {}

    private static final int HASH_RANGE = 10_000;

    private final TuningSettings settings;
    private final NoiseSchedule schedule;
    private final FreshImages fresh;
    private final ReplayBuffer replay;
    private final ReplayBuffer heldOut;

    StreamSampler(TuningSettings settings, ModelConfig model) {
        this.settings = settings;
        schedule = model.schedule();
        fresh = new FreshImages(settings.images().maxFresh());
        long latentBytes = (long) model.dit().latentSize() * Float.BYTES;
        int capacity = (int) Math.min(Integer.MAX_VALUE, settings.images().bufferBytes() / latentBytes);
        replay = new ReplayBuffer(capacity, settings.seed());
        heldOut = new ReplayBuffer(Math.max(1, capacity / 4), settings.seed() + 1);
    }

    /**
     * Takes an image in.
     *
     * @param learn whether to train on it now; otherwise it is kept for replay alone
     */
    void add(LabeledLatent image, boolean learn) {
        if (isHeldOut(image)) {
            heldOut.offer(image);
        } else if (learn) {
            fresh.add(new FreshImages.Fresh(image, settings.images().usesPerImage()))
                    .forEach(replay::offer);
        } else {
            replay.offer(image);
        }
    }

    private boolean isHeldOut(LabeledLatent image) {
        int hash = 31 * image.id().hashCode() + image.subclass();
        hash *= 0x9E3779B1; // names that differ in one digit must not follow each other
        return Integer.remainderUnsigned(hash ^ hash >>> 16, HASH_RANGE)
                < settings.images().heldOutShare() * HASH_RANGE;
    }

    /** Whether there is an image to train on. */
    boolean owesStep() {
        return !fresh.isEmpty();
    }

    /** What optimizer step {@code step} learns from; there must be a fresh image. */
    TrainingBatch draw(long step, Taxonomy taxonomy, DiTConfig network) {
        SplittableRandom random = new SplittableRandom(settings.seed() * 1_000_003 + step);
        int rows = settings.optimization().batchSize();
        boolean replays = settings.images().replayShare() > 0 && !replay.isEmpty();
        int least = replays ? (int) Math.ceil(rows * settings.images().replayShare()) : 0;
        List<LabeledLatent> images = new ArrayList<>();
        List<LabeledLatent> done = fresh.use(Math.max(1, rows - least), images);
        int used = images.size();
        while (images.size() < rows) {
            images.add(replays ? replay.draw(random) : images.get(random.nextInt(used)));
        }
        done.forEach(replay::offer);
        return batch(images, step, taxonomy, network, random);
    }

    private TrainingBatch batch(
            List<LabeledLatent> images, long step, Taxonomy taxonomy, DiTConfig network, SplittableRandom random) {
        int rows = images.size();
        int size = images.get(0).latent().length;
        float[] x0 = new float[rows * size];
        int[] t = settings.optimization().timesteps().draw(rows, schedule, random);
        shuffle(t, random); // the rows are in an order, the timesteps too
        List<Label> labels = new ArrayList<>();
        for (int b = 0; b < rows; b++) {
            LabeledLatent image = images.get(b);
            System.arraycopy(image.latent(), 0, x0, b * size, size);
            labels.add(
                    random.nextDouble() < settings.optimization().labelDropout()
                            ? Label.superclass(network.superclassRow(taxonomy.superclassOf(image.subclass())))
                            : Label.subclass(image.subclass()));
        }
        float[] noise = Noise.SEEDED.normal(settings.seed(), 0, Math.toIntExact(step), rows * size);
        return new TrainingBatch(x0, noise, t, labels);
    }

    private static void shuffle(int[] values, SplittableRandom random) {
        for (int i = values.length - 1; i > 0; i--) {
            int j = random.nextInt(i + 1);
            int value = values[i];
            values[i] = values[j];
            values[j] = value;
        }
    }

    /** Gives up training on what is fresh: it is kept for replay. */
    void settle() {
        fresh.clear().forEach(replay::offer);
    }

    /**
     * Held-out images to measure on, spread over their classes; the same as long as no more are held out.
     *
     * @param most of the classes below {@code known}, and as many of the others
     */
    List<LabeledLatent> heldOut(int most, int known) {
        List<LabeledLatent> images = new ArrayList<>(heldOut.spread(most, subclass -> subclass < known));
        images.addAll(heldOut.spread(most, subclass -> subclass >= known));
        return images;
    }

    public int freshImages() {
        return fresh.size();
    }

    public int replayImages() {
        return replay.size();
    }

    /** Every image, in an order in which {@link #restore} takes them. */
    public List<Kept> save() {
        List<Kept> all = new ArrayList<>();
        fresh.images().forEach(image -> all.add(new Kept(image.image(), Place.FRESH, image.usesLeft())));
        replay.images().forEach(image -> all.add(new Kept(image, Place.REPLAY, 0)));
        heldOut.images().forEach(image -> all.add(new Kept(image, Place.HELD_OUT, 0)));
        return all;
    }

    public Counts counts() {
        return new Counts(replay.seen(), heldOut.seen());
    }

    /** Takes up what another has {@link #save}d; for one that is still empty. */
    public void restore(List<Kept> kept, Counts counts) {
        kept.stream()
                .filter(image -> image.place() == Place.FRESH)
                .forEach(image -> fresh.add(new FreshImages.Fresh(image.image(), image.usesLeft())));
        replay.restore(in(Place.REPLAY, kept), counts.replay());
        heldOut.restore(in(Place.HELD_OUT, kept), counts.heldOut());
    }

    private static List<LabeledLatent> in(Place place, List<Kept> kept) {
        return kept.stream()
                .filter(image -> image.place() == place)
                .map(Kept::image)
                .toList();
    }
}
