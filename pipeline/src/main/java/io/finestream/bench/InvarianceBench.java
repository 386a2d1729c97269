package io.finestream.bench;

import ai.djl.ndarray.NDManager;
import io.finestream.codec.Images;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.metrics.PixelDifference;
import io.finestream.weights.GenerativeModel;
import java.awt.image.BufferedImage;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Whether an image depends on what else is in the batch.
 *
 * @param maxRows most rows of one pass of the network
 */
public record InvarianceBench(GenerativeModel model, int maxRows) {

    private static final int JOINING = 2; // requests between two steps, so that none is at its neighbours' step

    /** Company that a request has. */
    public enum Neighbours {
        /** Its own settings with other seeds, from its first step to its last. */
        ALIKE,
        /** Any settings, which come and go while it is there. */
        MIXED
    }

    /**
     * Images beside those that the same requests have alone.
     *
     * @param identicalFiles PNG files that are the same to the byte
     */
    public record Result(Neighbours neighbours, int identicalFiles, PixelDifference pixels) {}

    /** Images that {@link #run} makes of so many requests, their neighbours not counted. */
    public static int work(int requests) {
        return requests * (1 + Neighbours.values().length);
    }

    /**
     * Compares.
     *
     * @param specs requests that are each other's mixed neighbours
     * @param done told how many images were made, each time that some are
     */
    public List<Result> run(List<SampleSpec> specs, IntConsumer done) {
        List<BufferedImage> alone =
                specs.stream().map(spec -> alone(spec, done)).toList();
        return List.of(
                result(
                        Neighbours.ALIKE,
                        alone,
                        specs.stream().map(spec -> amongItsLike(spec, done)).toList()),
                result(Neighbours.MIXED, alone, List.of(run(specs, JOINING, done))));
    }

    private static Result result(Neighbours neighbours, List<BufferedImage> alone, List<BufferedImage> together) {
        int identical = (int) IntStream.range(0, alone.size())
                .filter(i -> Arrays.equals(Images.toPng(alone.get(i)), Images.toPng(together.get(i))))
                .count();
        return new Result(
                neighbours,
                identical,
                PixelDifference.between(
                        alone.stream().map(Images::toPlanes).toList(),
                        together.stream().map(Images::toPlanes).toList()));
    }

    private BufferedImage alone(SampleSpec spec, IntConsumer done) {
        return run(List.of(spec), maxRows, done)[0];
    }

    /** In the middle of as many others as there is room for. */
    private BufferedImage amongItsLike(SampleSpec spec, IntConsumer done) {
        int others = maxRows / 2 - 1; // at two rows each
        List<SampleSpec> all = Stream.concat(
                        Stream.concat(likes(spec, 0, others / 2), Stream.of(spec)), likes(spec, others / 2, others))
                .toList();
        BufferedImage[] images = run(all, all.size(), made -> {});
        done.accept(1);
        return images[others / 2];
    }

    private static Stream<SampleSpec> likes(SampleSpec spec, int from, int to) {
        return IntStream.range(from, to)
                .mapToObj(i -> new SampleSpec(
                        spec.subclass(),
                        spec.superclass(),
                        spec.seed() + i + 1,
                        i,
                        spec.guidance(),
                        spec.sampler(),
                        spec.steps()));
    }

    /** @param joining most requests that join between two steps */
    private BufferedImage[] run(List<SampleSpec> specs, int joining, IntConsumer done) {
        BufferedImage[] images = new BufferedImage[specs.size()];
        Deque<Integer> waiting =
                new ArrayDeque<>(IntStream.range(0, specs.size()).boxed().toList());
        try (NDManager manager = model.newManager();
                DenoiseBatch<Integer> batch = new DenoiseBatch<>(model.diffusion(), maxRows, Noise.SEEDED, manager)) {
            while (!waiting.isEmpty() || !batch.isEmpty()) {
                for (int i = 0; i < joining && !waiting.isEmpty() && batch.hasRoomFor(specs.get(waiting.peek())); i++) {
                    batch.admit(waiting.peek(), specs.get(waiting.remove()));
                }
                for (DenoiseBatch.Finished<Integer> finished : batch.step()) {
                    images[finished.tag()] = model.decode(finished.latent());
                    done.accept(1);
                }
            }
        }
        return images;
    }
}
