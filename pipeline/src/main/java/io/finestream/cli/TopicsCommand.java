package io.finestream.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.finestream.kafka.Topics;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.HashMap;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "topics",
        mixinStandardHelpOptions = true,
        synopsisSubcommandLabel = "COMMAND",
        description = "Looks after the topics in Kafka.",
        footer = {"", "Example:", "  finestream topics create --bootstrap-servers localhost:9092 --partitions 8"},
        subcommands = TopicsCommand.Create.class)
final class TopicsCommand {

    @Command(
            name = "create",
            mixinStandardHelpOptions = true,
            sortOptions = false,
            description = "Creates the topics that are missing and leaves the others as they are.",
            footer = {"", "Example:", "  finestream topics create --bootstrap-servers localhost:9092 --partitions 8"})
    static final class Create implements Callable<Integer> {

        @Mixin
        private KafkaOptions kafka = new KafkaOptions();

        @Option(
                names = "--partitions",
                paramLabel = "N",
                description = "of each topic but 'parameters' and 'generation-control', which have one; at least the"
                        + " parallelism of the job"
                        + " (default ${DEFAULT-VALUE})")
        private int partitions = Topics.DEFAULT_PARTITIONS;

        @Option(
                names = "--replication-factor",
                paramLabel = "N",
                description = "copies of each record, at most the number of brokers (default ${DEFAULT-VALUE})")
        private short replicationFactor = 1;

        @Option(
                names = "--json",
                description = "one JSON object: the names of those created, and of those that existed")
        private boolean json;

        @Spec
        @SuppressWarnings("NullAway.Init") // picocli sets it
        private CommandSpec command;

        @Override
        public Integer call() throws IOException {
            Usage.requireAtLeast(command, "--partitions", partitions, 1);
            Usage.requireAtLeast(command, "--replication-factor", replicationFactor, 1);
            Topics.Created topics =
                    kafka.topics().create(new HashMap<>(kafka.clientProperties()), partitions, replicationFactor);
            PrintWriter out = command.commandLine().getOut();
            if (json) {
                out.println(new ObjectMapper().<ObjectNode>valueToTree(topics));
            } else {
                topics.created().forEach(topic -> out.println("created " + topic));
                topics.existed().forEach(topic -> out.println("existed " + topic));
            }
            out.flush();
            return 0;
        }
    }
}
