package io.finestream.cli;

import io.finestream.codec.Framing;
import io.finestream.dit.ComputeType;
import io.finestream.flink.Devices;
import io.finestream.flink.FineTuneSettings;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.FineTuneJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.tuning.Timesteps;
import io.finestream.tuning.TuningSettings;
import io.finestream.tuning.TuningStrategy;
import io.finestream.weights.ModelChoice;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.apache.flink.streaming.api.environment.LocalStreamEnvironment;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "tune",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the fine-tuning job: labeled images from Kafka, versions of the parameters to Kafka.",
            "Generation jobs of the same model take each version over while they run.",
            "Started by java -jar it runs in this process, by flink run on the cluster."
        },
        footer = {
            "",
            "Examples:",
            "  finestream tune -b localhost:9092 --adapters adapters",
            "  flink run finestream.jar tune -b broker:9092 --model /models/DiT-XL-2 --lr 1e-4"
        })
final class TuneCommand implements Callable<Integer> {

    private static final TuningSettings DEFAULT = TuningSettings.DEFAULT;

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Mixin
    private JobOptions job = new JobOptions();

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Option(names = "--strategy", description = "${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE})")
    private TuningStrategy strategy = DEFAULT.strategy();

    @Option(names = "--lr", description = "learning rate (default ${DEFAULT-VALUE})")
    private double learningRate = DEFAULT.optimization().learningRate();

    @Option(names = "--batch", description = "rows of an optimizer step (default ${DEFAULT-VALUE})")
    private int batch = DEFAULT.optimization().batchSize();

    @Option(
            names = "--replay",
            paramLabel = "SHARE",
            description = "least share of a batch that was seen before (default ${DEFAULT-VALUE})")
    private double replay = DEFAULT.images().replayShare();

    @Option(
            names = "--uses",
            paramLabel = "N",
            description = "batches that each new image is in (default ${DEFAULT-VALUE})")
    private int uses = DEFAULT.images().usesPerImage();

    @Option(
            names = "--buffer",
            paramLabel = "MIB",
            description = "latents kept for replay, in MiB (default ${DEFAULT-VALUE})")
    private long bufferMebibytes = DEFAULT.images().bufferBytes() >> 20;

    @Option(
            names = "--held-out",
            paramLabel = "SHARE",
            description = "images that are measured on and never trained on (default ${DEFAULT-VALUE})")
    private double heldOut = DEFAULT.images().heldOutShare();

    @Option(
            names = "--gate-every",
            paramLabel = "STEPS",
            description = "steps between two candidates for a version (default ${DEFAULT-VALUE})")
    private int gateEvery = DEFAULT.candidates().every();

    @Option(
            names = "--gate-margin",
            paramLabel = "SHARE",
            description = "rise of the held-out loss that holds a candidate back (default ${DEFAULT-VALUE})")
    private double gateMargin = DEFAULT.candidates().margin();

    @Option(names = "--ema", paramLabel = "DECAY", description = "moving average (default ${DEFAULT-VALUE})")
    private double ema = DEFAULT.optimization().emaDecay();

    @Option(names = "--timesteps", description = "${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE})")
    private Timesteps timesteps = DEFAULT.optimization().timesteps();

    @Option(
            names = "--min-snr",
            paramLabel = "GAMMA",
            description = "weight of min-SNR; 0: none (default ${DEFAULT-VALUE})")
    private double minSnr = 0;

    @Option(
            names = "--max-steps-per-second",
            paramLabel = "N",
            description = "so that a machine can be shared with generation (default: no bound)")
    private double stepsPerSecond = Double.POSITIVE_INFINITY;

    @Option(
            names = "--framing",
            description = "how an image is made square: ${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE})")
    private Framing framing = Framing.CENTRE_CROP;

    @Option(names = "--dtype", paramLabel = "TYPE", description = "fp32 or bf16 arithmetic (default ${DEFAULT-VALUE})")
    private ComputeType dtype = ComputeType.FP32;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "engine threads; 0: processors (default ${DEFAULT-VALUE})")
    private int threads = 0;

    @Option(
            names = "--adapters",
            paramLabel = "DIR",
            description = "write versions as files too, for 'models export' and 'models rollback' (default: none)")
    private @Nullable Path adapters;

    @Option(
            names = "--adapter-every",
            paramLabel = "N",
            description = "versions between two such files (default ${DEFAULT-VALUE})")
    private int adapterEvery = 1;

    @Override
    public Integer call() throws Exception {
        ModelChoice choice = model.choiceWithoutAdapter("put it into the model with 'convert', and tune that");
        choice.locate(); // fail here rather than on the cluster
        Topics topics = kafka.topics();
        Map<String, String> client = kafka.clientProperties();
        String id = job.id(kafka.prefixed("finestream-tuning"));
        FineTuneSettings settings = new FineTuneSettings(
                choice,
                model.device(),
                dtype,
                threads,
                stepsPerSecond,
                tuning(),
                framing,
                id,
                adapters == null ? null : adapters.toAbsolutePath().toString(),
                adapterEvery,
                kafka.wireFormat());
        job.prepareTopics(
                client,
                topics,
                id,
                List.of(topics.labeled(), topics.parameters()),
                List.of(topics.parameters(), topics.deadLetters()));
        StreamExecutionEnvironment env = job.environment(id);
        if (env instanceof LocalStreamEnvironment) {
            Devices.first(model.device()); // otherwise the operator would fail, again and again
        }
        KafkaConnectors connectors = new KafkaConnectors(client, settings.wireFormat(), id);
        FineTuneJob.build(
                env,
                connectors.records(topics.labeled(), job.bounded()),
                connectors.parameters(topics.parameters()),
                connectors.versions(topics.parameters()),
                connectors.deadLetters(topics.deadLetters()),
                settings);
        System.out.println("tuning model " + model.name() + " on " + topics.labeled() + " at " + kafka.address()
                + (job.bounded() || !(env instanceof LocalStreamEnvironment) ? "" : "; Ctrl-C stops it"));
        env.execute(FineTuneJob.NAME);
        return 0;
    }

    private TuningSettings tuning() {
        TuningSettings.Optimization optimization = DEFAULT.optimization();
        TuningSettings.Images images = DEFAULT.images();
        TuningSettings.Candidates candidates = DEFAULT.candidates();
        return new TuningSettings(
                strategy,
                new TuningSettings.Optimization(
                        learningRate,
                        batch,
                        optimization.labelDropout(),
                        timesteps,
                        minSnr == 0 ? Double.POSITIVE_INFINITY : minSnr,
                        ema,
                        optimization.maxGradNorm(),
                        optimization.spikeFactor()),
                new TuningSettings.Images(replay, uses, images.maxFresh(), bufferMebibytes << 20, heldOut),
                new TuningSettings.Candidates(gateEvery, candidates.images(), gateMargin, candidates.maxRejections()),
                DEFAULT.seed());
    }
}
