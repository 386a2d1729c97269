package io.finestream.docker;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The cluster of {@code cluster.sh}, on free ports and with a state of its own. */
final class ProcessCluster implements AutoCloseable {

    private static final Duration PATIENCE = Duration.ofMinutes(3);
    private static final Pattern JOB_ID = Pattern.compile("JobID ([0-9a-f]{32})");
    private static final int PORTS = 4;

    private final Path script = Path.of("cluster.sh").toAbsolutePath();
    private final Path directory;
    private final Map<String, String> settings;
    private final int kafkaPort;
    private final List<String> parts;

    private ProcessCluster(Path directory, int taskManagers, int slots, int[] ports) {
        this.directory = directory;
        kafkaPort = ports[0];
        settings = Map.of(
                "FINESTREAM_CLUSTER", directory.toString(),
                "KAFKA_PORT", String.valueOf(ports[0]),
                "CONTROLLER_PORT", String.valueOf(ports[1]),
                "REST_PORT", String.valueOf(ports[2]),
                "ZOOKEEPER_PORT", String.valueOf(ports[3]),
                "TASKMANAGERS", String.valueOf(taskManagers),
                "SLOTS", String.valueOf(slots));
        parts = new ArrayList<>(List.of("kafka", "zookeeper", "jobmanager"));
        for (int i = 1; i <= taskManagers; i++) {
            parts.add("taskmanager-" + i);
        }
    }

    /** Starts every part, and no job. */
    static ProcessCluster start(Path directory, int taskManagers, int slots) throws IOException, InterruptedException {
        ProcessCluster cluster = new ProcessCluster(directory, taskManagers, slots, freePorts());
        cluster.start(cluster.parts.toArray(String[]::new));
        return cluster;
    }

    /** Neighbours: ZooKeeper takes the two ports after its own. */
    private static int[] freePorts() throws IOException {
        int[] ports = new int[PORTS];
        List<ServerSocket> sockets = new ArrayList<>();
        try {
            for (int i = 0; i < PORTS; i++) {
                sockets.add(new ServerSocket(0, 1, InetAddress.getLoopbackAddress()));
                ports[i] = sockets.get(i).getLocalPort();
            }
        } finally {
            for (ServerSocket socket : sockets) {
                socket.close();
            }
        }
        return ports;
    }

    String bootstrapServers() {
        return "127.0.0.1:" + kafkaPort;
    }

    void start(String... parts) throws IOException, InterruptedException {
        run(Stream.concat(Stream.of("start"), Stream.of(parts)).toArray(String[]::new));
    }

    /** Ends a part in order. */
    void stop(String part) throws IOException, InterruptedException {
        run("stop", part);
    }

    /** Ends a part as a crash does. */
    void kill(String part) throws IOException, InterruptedException {
        run("stop", "-KILL", part);
    }

    long pid(String part) throws IOException, InterruptedException {
        return Long.parseLong(run("pid", part).strip());
    }

    /** Submits a job as {@code flink run -d} does, and returns its id. */
    String submit(String... jobAndOptions) throws IOException, InterruptedException {
        String printed =
                run(Stream.concat(Stream.of("submit"), Stream.of(jobAndOptions)).toArray(String[]::new));
        Matcher id = JOB_ID.matcher(printed);
        if (!id.find()) {
            throw new IllegalStateException("no job id in: " + printed);
        }
        return id.group(1);
    }

    String flink(String... arguments) throws IOException, InterruptedException {
        return run(Stream.concat(Stream.of("flink"), Stream.of(arguments)).toArray(String[]::new));
    }

    String finestream(String... arguments) throws IOException, InterruptedException {
        return run(Stream.concat(Stream.of("finestream"), Stream.of(arguments)).toArray(String[]::new));
    }

    /** What a part has printed. */
    String log(String part) throws IOException {
        return Files.readString(directory.resolve("log").resolve(part + ".log"));
    }

    /** What the script printed. */
    private String run(String... arguments) throws IOException, InterruptedException {
        Outcome outcome = attempt(arguments);
        if (outcome.code() != 0) {
            throw new IllegalStateException("cluster.sh %s ended with %d:%n%s%s"
                    .formatted(String.join(" ", arguments), outcome.code(), outcome.printed(), logs()));
        }
        return outcome.printed();
    }

    Outcome attempt(String... arguments) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(List.of(script.toString()));
        command.addAll(List.of(arguments));
        Path printed = Files.createTempFile(directory, "printed", ".txt"); // a pipe would be held by what it starts
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(printed.toFile());
        builder.environment().putAll(settings);
        Process process = builder.start();
        try {
            if (!process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)) {
                throw new IllegalStateException(
                        command + " goes on after " + PATIENCE + ": " + Files.readString(printed) + logs());
            }
        } finally {
            process.destroyForcibly();
        }
        String text = Files.readString(printed, StandardCharsets.UTF_8);
        Files.delete(printed);
        return new Outcome(process.exitValue(), text);
    }

    record Outcome(int code, String printed) {}

    private String logs() throws IOException {
        StringBuilder all = new StringBuilder();
        for (String part : parts) {
            if (Files.exists(directory.resolve("log").resolve(part + ".log"))) {
                List<String> lines = log(part).lines().toList();
                all.append("%n--- %s%n".formatted(part));
                lines.subList(Math.max(0, lines.size() - 60), lines.size())
                        .forEach(line -> all.append(line).append('\n'));
            }
        }
        return all.toString();
    }

    @Override
    public void close() throws IOException, InterruptedException {
        run("down");
    }
}
