package io.finestream.bench;

import ai.djl.Device;
import io.finestream.autotune.ComputePlan;
import io.finestream.demo.FlinkCluster;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.EmbeddedKafka;
import io.finestream.torch.TorchOps;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.SharedModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.apache.flink.configuration.Configuration;

/**
 * The whole pipeline, saturated: requests from a real broker through the generation job to the broker, exactly once,
 * beside the model alone (network and autoencoder, without files) on as many threads. The two take turns.
 *
 * @param settings of the job, with a number of engine threads
 * @param slots of the job
 * @param batches that each slot makes in a run
 * @param repeats of each; the best counts
 */
record PipelineBench(GenerationSettings settings, int slots, int batches, int repeats) {

    /** One to warm up, one to drain, and what counts between them. */
    static final int FEWEST_BATCHES = 3;

    /** @param directory for the state of the broker and of the job */
    List<Measurement> run(Path directory) throws Exception {
        ModelFiles files = settings.model().locate();
        ComputePlan plan =
                settings.compute().plan(files.readConfig().dit(), Device.cpu(), slots); // as the job's subtasks do
        try (SharedModel shared = SharedModel.acquire(files, Device.cpu(), plan.type(), plan.kernels());
                EmbeddedKafka kafka = EmbeddedKafka.start(directory.resolve("kafka"), 0);
                FlinkCluster flink = FlinkCluster.start(0, slots, new Configuration())) {
            Workload load = new Workload(shared.model(), plan.rows());
            SteadyState model = modelAlone(load);
            SteadyState pipeline = throughKafka(load, kafka, flink, directory.resolve("run-0"));
            for (int i = 1; i < repeats; i++) {
                model = model.orBetter(modelAlone(load));
                pipeline = pipeline.orBetter(throughKafka(load, kafka, flink, directory.resolve("run-" + i)));
            }
            return measurements(model, pipeline);
        }
    }

    private int imagesPerSlot(Workload load) {
        return batches * load.batchSize();
    }

    private SteadyState modelAlone(Workload load) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(slots);
        try (CpuTimeline cpu = new CpuTimeline()) {
            List<Future<long[]>> running = new ArrayList<>();
            for (int slot = 0; slot < slots; slot++) {
                int first = slot;
                running.add(threads.submit(() -> modelAlone(load, first)));
            }
            List<long[]> readyAt = new ArrayList<>();
            for (Future<long[]> one : running) {
                readyAt.add(one.get());
            }
            return SteadyState.of(readyAt, load.batchSize(), cpu);
        } finally {
            threads.shutdownNow();
        }
    }

    private long[] modelAlone(Workload load, int slot) {
        TorchOps.prepareThread(settings.compute().threads(), false);
        List<Long> readyAt = new ArrayList<>();
        load.denoise(imagesPerSlot(load), image -> slot + image * slots, done -> {
            load.model().decode(done.latent());
            readyAt.add(System.currentTimeMillis());
        });
        return readyAt.stream().mapToLong(Long::longValue).toArray();
    }

    private SteadyState throughKafka(Workload load, EmbeddedKafka kafka, FlinkCluster flink, Path directory)
            throws Exception {
        try (CpuTimeline cpu = new CpuTimeline()) {
            PipelineRun run = new PipelineRun(load, settings, slots, kafka.bootstrapServers(), directory);
            return SteadyState.of(run.readyAt(flink, imagesPerSlot(load)), load.batchSize(), cpu);
        }
    }

    private List<Measurement> measurements(SteadyState model, SteadyState pipeline) {
        double modelMillis = 1e3 / model.imagesPerSecond();
        double pipelineMillis = 1e3 / pipeline.imagesPerSecond();
        double cpu = pipeline.cpuMillisPerImage() - model.cpuMillisPerImage();
        return List.of(
                line("the model alone").took(modelMillis).at(model.imagesPerSecond(), "images"),
                line("Kafka, Flink, Kafka, exactly once")
                        .took(pipelineMillis)
                        .at(pipeline.imagesPerSecond(), "images")
                        .sharing(pipeline.imagesPerSecond() / model.imagesPerSecond(), "model"),
                line("per request, not the model").took(pipelineMillis - modelMillis),
                line("processors' time, the model alone").took(model.cpuMillisPerImage()),
                line("processors' time, pipeline")
                        .took(pipeline.cpuMillisPerImage())
                        .sharing(pipeline.cpuMillisPerImage() / model.cpuMillisPerImage(), "model"),
                line("processors' time, not the model").took(cpu));
    }

    private Measurement line(String what) {
        return Measurement.of(Part.PIPELINE, what)
                .in(Objects.requireNonNull(settings.compute().type()));
    }
}
