package io.finestream.cli;

import io.finestream.kafka.TopicLookup;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.Quality;
import io.finestream.schemas.Reporting;
import io.finestream.schemas.wire.AvroCodec;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "request",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Asks the generation job for images by way of Kafka, and prints the ids of the requests.",
            "It needs no model: the job refuses what its model does not have, to the topic of dead letters."
        },
        footer = {
            "",
            "Examples:",
            "  finestream request --class 'golden dwarf allium' --count 8",
            "  finestream request --class tulip --json | jq -r .requestId",
            "  finestream request --class tulip --progress",
            "  finestream request --file requests.jsonl --deadline 5m",
            "where a line of the file has any fields of GenerationRequest, or is just the name of a class:",
            "  {\"subclass\":\"golden dwarf allium\",\"count\":2,\"steps\":30,\"guidance\":{\"scale\":3}}"
        })
final class RequestCommand implements Callable<Integer> {

    private static final int BAR_FROM = 1_000; // requests; fewer are sent before a bar is seen

    @Option(
            names = "--class",
            paramLabel = "CLASS",
            description = "name or number of a class; repeatable, a request for each")
    private List<String> classes = List.of();

    @Option(
            names = "--file",
            paramLabel = "FILE",
            description = "a request per line: a JSON object, or the name or number of a class. What a line leaves open"
                    + " is as the options say; without a seed of its own, request n, from 0, has the seed plus n")
    private @Nullable Path file;

    @Option(names = "--count", paramLabel = "N", description = "images per request (default ${DEFAULT-VALUE})")
    private int count = 1;

    @Option(names = "--id", paramLabel = "TEXT", description = "id of the one request (default: a random UUID)")
    private @Nullable String id;

    @Mixin
    private SamplingOptions sampling = new SamplingOptions();

    @Option(names = "--priority", paramLabel = "N", description = "higher goes first (default ${DEFAULT-VALUE})")
    private int priority;

    @Option(
            names = "--deadline",
            paramLabel = "TIME",
            converter = TimeConverters.OfInstant.class,
            description = "when the images stop being wanted: 30s, 5m, 2h from now, or 2026-01-31T12:00:00Z"
                    + " (default: never); what is not made by then is reported as a dead letter")
    private @Nullable Instant deadline;

    @Option(
            names = "--degradable",
            description = "rather than be late, finish an image that has been begun in fewer steps; it says how many")
    private boolean degradable;

    @Option(
            names = "--header",
            paramLabel = "NAME=TEXT",
            description = "is carried to every image of the request; repeatable")
    private Map<String, String> headers = new LinkedHashMap<>();

    @Option(
            names = "--progress",
            description = "wait, and show how far the images are; the exit code is 1 if one is not made")
    private boolean progress;

    @Option(
            names = "--max-per-record",
            paramLabel = "N",
            description = "a request for more images is split into records on different partitions"
                    + " (default ${DEFAULT-VALUE})")
    private int maxPerRecord = 64;

    @Option(names = "--topic", paramLabel = "NAME", description = "topic to send to (default: generation-requests)")
    private @Nullable String topic;

    @Option(names = "--json", description = "print the requests, one JSON object per line, rather than their ids alone")
    private boolean json;

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        check();
        List<GenerationRequest> requests = requests();
        String target = topic != null ? topic : kafka.topics().requests();
        Map<String, String> client = kafka.clientProperties();
        AvroCodec<GenerationRequest> codec = new AvroCodec<>(GenerationRequest.class, kafka.wireFormat());
        int partitions = TopicLookup.partitions(client, target);
        try (ProgressWatch watch =
                        progress ? ProgressWatch.open(client, kafka.topics().events(), kafka.wireFormat()) : null;
                RequestSender sender = new RequestSender(client, target, partitions, codec)) {
            report(requests, send(sender, requests), target);
            return watch == null || watch.follow(requests, command.commandLine().getErr()) == 0 ? 0 : 1;
        }
    }

    private void check() {
        sampling.check();
        Usage.requireAtLeast(command, "--count", count, 1);
        Usage.requireAtLeast(command, "--max-per-record", maxPerRecord, 1);
        if (classes.isEmpty() == (file == null)) {
            throw Usage.wrong(command, "name the classes with --class or in a --file, one of the two");
        }
        if (id != null && (classes.size() != 1 || id.isBlank())) {
            throw Usage.wrong(
                    command, "--id names one request and is not blank: give one --class with it, or leave it out");
        }
        if (degradable && deadline == null && file == null) {
            throw Usage.wrong(command, "--degradable says what to do about a --deadline; give one");
        }
        if (deadline != null && deadline.isBefore(Instant.now())) {
            throw Usage.wrong(command, "--deadline " + deadline + " has passed; give a later one");
        }
    }

    private List<GenerationRequest> requests() throws IOException {
        GenerationRequest template = GenerationRequest.newBuilder()
                .setCount(count)
                .setSeed(sampling.seed())
                .setGuidance(sampling.guidanceSpec())
                .setSampler(sampling.samplerName())
                .setEta(sampling.eta())
                .setSteps(sampling.steps())
                .setRespacing(sampling.respacing())
                .setCacheInterval(sampling.cacheInterval())
                .setPriority(priority)
                .setDeadline(deadline)
                .setQuality(degradable ? Quality.DEGRADABLE : Quality.EXACT)
                .setProgress(progress ? Reporting.STEPS : Reporting.NONE)
                .setHeaders(headers)
                .build();
        if (file != null) {
            return RequestFile.read(file, template);
        }
        List<GenerationRequest> requests = new ArrayList<>();
        for (String name : new LinkedHashSet<>(classes)) {
            String requestId = id != null ? id : UUID.randomUUID().toString();
            GenerationRequest request = GenerationRequest.newBuilder(template)
                    .setRequestId(requestId)
                    .build();
            RequestFile.setClass(request, name);
            requests.add(request);
        }
        return requests;
    }

    private long send(RequestSender sender, List<GenerationRequest> requests) throws IOException {
        long records = 0;
        try (ProgressBar bar = requests.size() < BAR_FROM ? null : Progress.bar("sending", requests.size())) {
            for (GenerationRequest request : requests) {
                List<GenerationRequest> parts = RequestSender.parts(request, maxPerRecord);
                sender.send(parts);
                records += parts.size();
                if (bar != null) {
                    bar.step();
                }
            }
            sender.flush();
        }
        return records;
    }

    /** The ids, or all fields, on stdout, for scripts; the rest on stderr, for people. */
    private void report(List<GenerationRequest> requests, long records, String target) throws IOException {
        PrintWriter out = command.commandLine().getOut();
        requests.forEach(request -> out.println(json ? RecordJson.write(request) : request.getRequestId()));
        out.flush();
        long images = requests.stream().mapToLong(GenerationRequest::getCount).sum();
        PrintWriter err = command.commandLine().getErr();
        err.printf(
                Locale.ROOT,
                "%s for %s in %s sent to %s at %s; seed %d%s%n",
                Counted.of(requests.size(), "request"),
                Counted.of(images, "image"),
                Counted.of(records, "record"),
                target,
                kafka.address(),
                sampling.seed(),
                file == null ? "" : " plus the number of the request, where its line has none");
        err.flush();
    }
}
