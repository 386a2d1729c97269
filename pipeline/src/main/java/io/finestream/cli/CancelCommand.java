package io.finestream.cli;

import io.finestream.kafka.TopicLookup;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.wire.AvroCodec;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "cancel",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Tells the generation jobs to make no more images of a request.",
            "It holds for what is being made, for what waits, and for an hour for what has not been read yet; images that"
                    + " have all their steps still come."
        },
        footer = {"", "Example:", "  finestream cancel --request 6f9a3c52-0b1e-4f5d-9f0e-2f6d0c1b7a11"})
final class CancelCommand implements Callable<Integer> {

    @Option(names = "--request", required = true, paramLabel = "ID", description = "id of the request; repeatable")
    private Set<String> requests = new LinkedHashSet<>();

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        if (requests.stream().anyMatch(String::isBlank)) {
            throw Usage.wrong(command, "--request is blank; give the id that 'finestream request' printed");
        }
        Map<String, String> client = kafka.clientProperties();
        String topic = kafka.topics().control();
        AvroCodec<GenerationControl> codec = new AvroCodec<>(GenerationControl.class, kafka.wireFormat());
        TopicLookup.partitions(client, topic);
        try (RecordSender sender = new RecordSender(client, topic)) {
            for (String id : requests) {
                GenerationControl cancel = new GenerationControl(id, ControlAction.CANCEL, Instant.now());
                sender.send(null, id.getBytes(StandardCharsets.UTF_8), codec.encode(cancel));
            }
            sender.flush();
            Exception failure = sender.failure();
            if (failure != null) {
                throw new IOException(
                        "Kafka did not take every cancellation into %s (%s)".formatted(topic, failure.getMessage()),
                        failure);
            }
        }
        PrintWriter err = command.commandLine().getErr();
        err.printf(
                "cancellation of %s sent to %s at %s%n",
                Counted.of(requests.size(), "request"), topic, kafka.address());
        err.flush();
        return 0;
    }
}
