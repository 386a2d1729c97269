package io.finestream.bench;

import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.diffusion.Sampler;
import io.finestream.schemas.GenerationRequest;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelConfig;
import java.util.function.Consumer;
import java.util.function.IntUnaryOperator;

/**
 * Images of a model's classes in turn, guided as the model recommends, by DDIM in 20 steps: as samples, and as the
 * requests that ask for the same.
 *
 * @param rows most rows of one pass of the network
 */
record Workload(GenerativeModel model, int rows) {

    static final int STEPS = 20;

    SampleSpec sample(int i) {
        ModelConfig config = model.config();
        int subclass = i % model.taxonomy().subclasses().size();
        return new SampleSpec(
                subclass,
                model.taxonomy().superclassOf(subclass),
                i,
                0,
                Guidance.fineGrained(
                                config.defaults().guidanceScale(),
                                config.defaults().guidedChannels())
                        .forModel(config.dit()),
                new Sampler.Ddim(0),
                STEPS);
    }

    GenerationRequest request(int i) {
        return GenerationRequest.newBuilder()
                .setRequestId(String.valueOf(i))
                .setSubclassId(sample(i).subclass())
                .setSeed(i)
                .setSteps(STEPS)
                .build();
    }

    /** Images that fill the rows of a pass. */
    int batchSize() {
        return rows / sample(0).guidance().rows(Guidance.LAST_TIMESTEP);
    }

    /**
     * Denoises images in a running batch, on this thread.
     *
     * @param image number of the n-th to begin, of {@code count}
     * @param done told of each, its number attached
     * @return rows of all passes
     */
    long denoise(int count, IntUnaryOperator image, Consumer<DenoiseBatch.Finished<Integer>> done) {
        try (NDManager manager = model.newManager();
                DenoiseBatch<Integer> batch = new DenoiseBatch<>(model.diffusion(), rows, Noise.SEEDED, manager)) {
            int begun = 0;
            while (begun < count || !batch.isEmpty()) {
                while (begun < count && batch.hasRoomFor(sample(image.applyAsInt(begun)))) {
                    int number = image.applyAsInt(begun++);
                    batch.admit(number, sample(number));
                }
                batch.step().forEach(done);
            }
            return batch.rowsDone();
        }
    }
}
