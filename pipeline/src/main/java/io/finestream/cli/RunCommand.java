package io.finestream.cli;

import ai.djl.Device;
import io.finestream.autotune.Autotune;
import io.finestream.dit.DiTConfig;
import io.finestream.flink.Devices;
import io.finestream.flink.GenerationSettings;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.GenerationJob;
import io.finestream.pipeline.KafkaConnectors;
import io.finestream.weights.ModelChoice;
import io.finestream.weights.ModelFiles;
import java.io.IOException;
import java.util.ArrayList;
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
        name = "run",
        mixinStandardHelpOptions = true,
        description = {
            "Runs the generation job: requests from Kafka, images to Kafka.",
            "Started by java -jar it runs in this process, by flink run on the cluster.",
            "Requests that wait are in its checkpoints: on a cluster, restart it from one (flink run -s)."
        },
        footer = {
            "",
            "Examples:",
            "  finestream run -b localhost:9092 --create-topics --state state",
            "  flink run -p 4 finestream.jar run -b broker:9092 --model /models/DiT-XL-2"
        })
final class RunCommand implements Callable<Integer> {

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Mixin
    private JobOptions job = new JobOptions();

    @Mixin
    private ModelOptions model = new ModelOptions();

    @Mixin
    private ComputeOptions compute = new ComputeOptions();

    @Option(
            names = "--max-pending",
            paramLabel = "N",
            description = "requests that wait in memory, per slot; Kafka holds the rest (default ${DEFAULT-VALUE})")
    private int maxPending = GenerationSettings.MAX_PENDING;

    @Option(
            names = "--max-count",
            paramLabel = "N",
            description = "most images of one request record (default ${DEFAULT-VALUE})")
    private int maxCount = GenerationSettings.MAX_COUNT;

    @Option(
            names = "--no-updates",
            description = "stay with the model as it is: do not follow the versions of a fine-tuning job")
    private boolean noUpdates;

    @Option(
            names = "--swap",
            paramLabel = "HOW",
            description = "what a new version does to images that have been begun: fenced (they end on the version that"
                    + " they began with) or immediate (default fenced)")
    private GenerationSettings.Swap swap = GenerationSettings.Swap.FENCED;

    @Option(
            names = {"-p", "--parallelism"},
            paramLabel = "N",
            description = "subtasks (default: in this process as measured, on a cluster Flink's)")
    private @Nullable Integer parallelism;

    @Override
    public Integer call() throws Exception {
        ModelChoice choice = noUpdates
                ? model.choice()
                : model.choiceWithoutAdapter("add --no-updates, or put it into the model with 'convert'");
        ModelFiles files = choice.locate(); // fail here rather than on the cluster
        GenerationSettings settings = new GenerationSettings(
                choice, model.device(), compute.settings(), maxPending, maxCount, swap, kafka.wireFormat());
        Topics topics = kafka.topics();
        Map<String, String> client = kafka.clientProperties();
        List<String> read = new ArrayList<>(List.of(topics.requests(), topics.control()));
        if (!noUpdates) {
            read.add(topics.parameters());
        }
        String id = job.id(kafka.prefixed("finestream"));
        job.prepareTopics(client, topics, id, read, List.of(topics.images(), topics.events(), topics.deadLetters()));
        StreamExecutionEnvironment env = job.environment(id);
        if (parallelism != null) {
            env.setParallelism(parallelism);
        }
        if (env instanceof LocalStreamEnvironment) {
            planHere(settings, files, env);
        }
        KafkaConnectors connectors = new KafkaConnectors(client, settings.wireFormat(), id);
        GenerationJob.build(
                env,
                connectors.records(topics.requests(), job.bounded()),
                noUpdates ? null : connectors.parameters(topics.parameters()),
                connectors.control(topics.control()),
                connectors.images(topics.images()),
                connectors.events(topics.events()),
                connectors.deadLetters(topics.deadLetters()),
                settings);
        System.out.println("generating from " + topics.requests() + " to " + topics.images() + " at " + kafka.address()
                + " with model " + model.name()
                + (job.bounded() || !(env instanceof LocalStreamEnvironment) ? "" : "; Ctrl-C stops it"));
        env.execute(GenerationJob.NAME);
        return 0;
    }

    /** In this process, the machine is known: what is open is measured here, and the subtasks find it measured. */
    private void planHere(GenerationSettings settings, ModelFiles files, StreamExecutionEnvironment env)
            throws IOException {
        DiTConfig network = files.readConfig().dit();
        Device chosen = Devices.first(model.device());
        if (parallelism == null) {
            env.setParallelism(
                    chosen.isGpu() ? 1 : Autotune.slots(settings.compute().plan(network, chosen, 1), network));
        }
        System.out.println("computing with " + settings.compute().plan(network, chosen, env.getParallelism())
                + "; slots: " + env.getParallelism());
    }
}
