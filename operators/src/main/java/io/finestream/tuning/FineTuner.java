package io.finestream.tuning;

import io.finestream.dit.ComputeType;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterSlice;
import io.finestream.versions.TunedModel;
import io.finestream.weights.Adapter;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Keeps tuning a model on labeled images as they come: new classes get rows of their own, optimizer steps are taken for
 * as long as there are images to learn, and from time to time what has been learned is measured and becomes a version or
 * is held back.
 *
 * <p>Plain Java without a stream: the caller decides when a step is taken. Belongs to one thread, which must be prepared
 * with gradients on.
 */
public final class FineTuner implements AutoCloseable {

    private static final double AVERAGE_DECAY = 0.95;
    private static final int STEPS_BEFORE_SPIKES = 20; // the average means little before

    /**
     * What one step found.
     *
     * @param losses means over the batch
     * @param rolledBack why the trainer went back to its last good state; null where it did not
     */
    public record Step(Trainer.StepResult losses, @Nullable String rolledBack) {}

    /**
     * What became of a candidate.
     *
     * @param passed whether it may be published
     * @param results what was measured, per group
     * @param rolledBack whether it was one too many that did not pass, and the trainer went back to the newest version
     */
    public record Verdict(boolean passed, List<Gate.Result> results, boolean rolledBack) {}

    /**
     * How far tuning has come, beside tensors, images and classes.
     *
     * @param step optimizer steps since the base model
     * @param optimizerStep of them, those since the moments were last cleared
     * @param version the newest; 0 is the base model
     * @param publishedClasses how many subclasses it has
     * @param measuredStep steps done when a candidate was last measured
     * @param rejections candidates held back since the newest version
     * @param averageLoss running average of the squared error; NaN before the first step
     */
    public record Progress(
            long step,
            long optimizerStep,
            long version,
            int publishedClasses,
            long measuredStep,
            int rejections,
            double averageLoss) {}

    private final TuningSettings settings;
    private final Taxonomy known;
    private final StreamSampler images;
    private final Gate gate;
    private final TunedParameters parameters;
    private Taxonomy taxonomy;
    private int publishedClasses;
    private long step;
    private long version;
    private long measuredStep;
    private int rejections;
    private double averageLoss = Double.NaN;
    private @Nullable HeldOutMeasurement candidate; // in the making
    private @Nullable HeldOutMeasurement newest; // of the newest version, while the same images are held out

    /** @param base its parameters that are not tuned are used as they are: it must outlive the tuner */
    public FineTuner(GenerativeModel base, ComputeType computeType, TuningSettings settings) {
        this.settings = settings;
        known = base.taxonomy();
        taxonomy = known;
        publishedClasses = known.subclasses().size();
        images = new StreamSampler(settings, base.config());
        gate = new Gate(settings.candidates().margin());
        parameters = new TunedParameters(base, computeType, settings);
    }

    /** The classes as they are now, those added included. */
    public Taxonomy taxonomy() {
        return taxonomy;
    }

    /** The classes added since the base model, in the order of their rows. */
    public List<Taxonomy.ClassName> addedClasses() {
        return taxonomy.names()
                .subList(known.subclasses().size(), taxonomy.subclasses().size());
    }

    /**
     * Takes a labeled image in. A class not seen before gets a row, which starts as its superclass's.
     *
     * @param id names the image
     * @param latent [C, H, W] flattened
     * @param learn whether to train on it now; otherwise it is kept for replay alone
     * @throws IllegalArgumentException if the class belongs to another superclass
     */
    public void add(String id, Taxonomy.ClassName name, float[] latent, boolean learn) {
        taxonomy = taxonomy.plus(List.of(name));
        images.add(new LabeledLatent(id, taxonomy.subclass(name.subclass()), latent), learn);
    }

    /** @throws IllegalArgumentException if the class belongs to another superclass, or a name is blank */
    public void requireConsistent(Taxonomy.ClassName name) {
        taxonomy.plus(List.of(name));
    }

    /** Whether there are images to learn from. */
    public boolean owesStep() {
        return images.owesStep();
    }

    /** One optimizer step; only while {@link #owesStep}. A loss that is no number, or a spike, undoes what was learned. */
    public Step step() {
        parameters.growTo(taxonomy);
        TrainingBatch batch = images.draw(step, taxonomy, parameters.config());
        Trainer.StepResult losses = parameters.step(batch);
        step++;
        String trouble = troubleWith(losses);
        if (trouble == null) {
            averageLoss = Double.isNaN(averageLoss)
                    ? losses.mse()
                    : AVERAGE_DECAY * averageLoss + (1 - AVERAGE_DECAY) * losses.mse();
        } else {
            rollBack();
        }
        return new Step(losses, trouble);
    }

    private @Nullable String troubleWith(Trainer.StepResult losses) {
        if (!Double.isFinite(losses.mse() + losses.vb() + losses.gradNorm())) {
            return "step " + step + " found a loss of " + losses.mse() + " + " + losses.vb()
                    + " and a gradient of norm " + losses.gradNorm() + ", expected numbers";
        }
        if (parameters.stepsDone() > STEPS_BEFORE_SPIKES
                && losses.mse() > settings.optimization().spikeFactor() * averageLoss) {
            return "step " + step + " found a squared error of " + losses.mse() + ", more than "
                    + settings.optimization().spikeFactor() + " times the average of " + averageLoss;
        }
        return null;
    }

    private void rollBack() {
        parameters.rollBack();
        averageLoss = Double.NaN;
        forgetCandidate();
    }

    /** Whether what has been learned is to be measured: every so many steps, and when all that came has been learned. */
    public boolean candidateDue() {
        long since = step - measuredStep;
        return since >= settings.candidates().every() || (since > 0 && !owesStep());
    }

    /**
     * Measures the candidate a little further; only while {@link #candidateDue}. After a verdict that it passed, {@link
     * #publish} it.
     *
     * @return what became of it; null while there is more to measure
     */
    public @Nullable Verdict measure() {
        if (candidate == null) {
            List<LabeledLatent> heldOut = images.heldOut(
                    settings.candidates().images(), known.subclasses().size());
            candidate = parameters.measureCandidate(heldOut);
            if (newest == null || !newest.images().equals(heldOut)) {
                newest = parameters.measurePublished(heldOut);
            }
        }
        HeldOutMeasurement before = newest;
        HeldOutMeasurement after = candidate;
        if (before == null || !before.advance() || !after.advance()) {
            return null;
        }
        List<Gate.Result> results = gate.compare(
                after.images(),
                before.errors(),
                after.errors(),
                subclass -> subclass < known.subclasses().size());
        candidate = null;
        measuredStep = step;
        if (gate.passes(results)) {
            rejections = 0;
            newest = after;
            return new Verdict(true, results, false);
        }
        rejections++;
        boolean tooMany = rejections >= settings.candidates().maxRejections();
        if (tooMany) {
            rejections = 0;
            rollBack();
            images.settle();
        }
        return new Verdict(false, results, tooMany);
    }

    /** Whether there are classes that no version has yet. */
    public boolean hasUnpublishedClasses() {
        return taxonomy.subclasses().size() > publishedClasses;
    }

    /**
     * Makes the next version: of what has been learned, or only of rows for the classes that were added, each as its
     * superclass.
     *
     * @param learned whether a candidate passed
     */
    public Release publish(boolean learned) {
        parameters.growTo(taxonomy);
        long parent = version++;
        List<Taxonomy.ClassName> added =
                taxonomy.names().subList(publishedClasses, taxonomy.subclasses().size());
        publishedClasses = taxonomy.subclasses().size();
        List<ParameterSlice> slices = learned ? parameters.publish(version) : parameters.publishRows(version);
        return new Release(version, parent, step, averageLoss, added, slices);
    }

    /**
     * Goes on from a version that somebody else published: the newest one at the start, or one that was rolled back to.
     * What waits to be learned is kept for replay.
     *
     * @throws IllegalStateException if classes that this tuner has published are others there
     */
    public void adopt(LiveVersion other) {
        List<Taxonomy.ClassName> mine = addedClasses();
        Taxonomy theirs = known.plus(TunedModel.addedClasses(other));
        Taxonomy both = theirs.plus(mine);
        if (!both.names().subList(0, taxonomy.subclasses().size()).equals(taxonomy.names())) {
            throw new IllegalStateException("version " + other.getCommit().getVersion() + " has the added classes "
                    + other.getAddedClasses() + ", this fine-tuning job has " + mine
                    + "; two jobs must not publish to one topic: give one of them another topic prefix");
        }
        taxonomy = both;
        version = other.getCommit().getVersion();
        publishedClasses = theirs.subclasses().size();
        parameters.adopt(other.getTensors(), both);
        forgetMeasurements();
        averageLoss = Double.NaN;
        rejections = 0;
        measuredStep = step;
        images.settle();
    }

    private void forgetCandidate() {
        if (candidate != null) {
            candidate.close();
            candidate = null;
        }
    }

    private void forgetMeasurements() {
        forgetCandidate();
        if (newest != null) {
            newest.close();
            newest = null;
        }
    }

    public long version() {
        return version;
    }

    /** Optimizer steps since the base model. */
    public long stepsDone() {
        return step;
    }

    public Progress progress() {
        return new Progress(
                step, parameters.stepsDone(), version, publishedClasses, measuredStep, rejections, averageLoss);
    }

    /** The images, as they are saved. */
    public StreamSampler images() {
        return images;
    }

    /** The tensors that the next steps depend on, whole. */
    public List<ParameterSlice> state() {
        parameters.growTo(taxonomy);
        return parameters.state();
    }

    /** The newest version's tensors, whole. */
    public List<ParameterSlice> published() {
        return parameters.published();
    }

    /** Writes the newest version to its file in {@code directory}; one that is there is of the same version and stays. */
    public void writeAdapter(Path directory, String baseHash) throws IOException {
        Path file = Adapter.file(directory, version);
        if (!Files.exists(file)) {
            Files.createDirectories(directory);
            List<Taxonomy.ClassName> added = addedClasses()
                    .subList(0, publishedClasses - known.subclasses().size());
            parameters.writeAdapter(file, new Adapter.Origin(baseHash, version, added));
        }
    }

    /**
     * Goes on from where a tuner was; its images are restored beside.
     *
     * @param added its {@link #addedClasses}
     * @param state its {@link #state}
     * @param published its {@link #published}
     */
    public void restore(
            Progress progress,
            List<Taxonomy.ClassName> added,
            List<ParameterSlice> state,
            List<ParameterSlice> published) {
        taxonomy = known.plus(added);
        step = progress.step();
        version = progress.version();
        publishedClasses = progress.publishedClasses();
        measuredStep = progress.measuredStep();
        rejections = progress.rejections();
        averageLoss = progress.averageLoss();
        parameters.restore(state, progress.optimizerStep(), published, taxonomy);
    }

    @Override
    public void close() {
        parameters.close();
    }
}
