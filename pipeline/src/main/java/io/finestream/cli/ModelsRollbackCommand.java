package io.finestream.cli;

import io.finestream.kafka.VersionPublisher;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.ParameterSlices;
import io.finestream.versions.VersionAssembler;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "rollback",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Publishes the tensors of an earlier version as a new one.",
            "Generators go over to it as to any other. Classes that the earlier version did not know stay as they are."
                    + " Version 0 is the base model (--model)."
        },
        footer = {"", "Example:", "  finestream models rollback 12 --adapters adapters"})
final class ModelsRollbackCommand implements Callable<Integer> {

    private static final String PUBLISHER = "finestream models";
    private static final int ATTEMPTS = 5;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    @Parameters(paramLabel = "VERSION", description = "number of the version to go back to")
    private long number;

    @Mixin
    private AdapterOptions adapters = new AdapterOptions();

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        Usage.requireAtLeast(command, "VERSION", number, 0);
        try (GenerativeModel model = adapters.base();
                VersionHistory history = VersionHistory.read(kafka, model == null ? null : new BaseTensors(model));
                VersionPublisher publisher = new VersionPublisher(
                        kafka.clientProperties(), kafka.topics().parameters(), kafka.wireFormat())) {
            long published = rollback(history, publisher, model == null ? null : new BaseTensors(model));
            PrintWriter out = command.commandLine().getOut();
            out.printf("version %d has the tensors of version %d%n", published, number);
            out.flush();
            return 0;
        }
    }

    private long rollback(VersionHistory history, VersionPublisher publisher, @Nullable BaseTensors base)
            throws IOException {
        for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
            ParameterVersion newest = history.newest();
            if (newest.getVersion() == number) {
                throw new IOException("version " + number + " is the newest already");
            }
            List<VersionAssembler.Commit> before = history.commits();
            long next = 1
                    + before.stream()
                            .mapToLong(commit -> commit.version().getVersion())
                            .max()
                            .orElse(0);
            List<ParameterSlice> slices = slices(history, newest, next, base);
            long offset = publisher.publish(slices, commit(history, newest, next, slices.size()));
            if (isOnlyOneAfter(before.size(), offset, history)) {
                return next;
            }
        }
        throw new IOException("another publisher took the same number " + ATTEMPTS
                + " times; stop the fine-tuning job, and try again");
    }

    /** Every row of the earlier version, so that it does not matter what the newest is when they arrive. */
    private List<ParameterSlice> slices(
            VersionHistory history, ParameterVersion newest, long next, @Nullable BaseTensors base) throws IOException {
        Map<String, ParameterSlice> earlier = number == 0
                ? Map.of()
                : AdapterOptions.read(adapters.file(history.find(number), newest.getVersion()), number);
        Map<String, long[]> shapes = new LinkedHashMap<>(history.shapes());
        List<ParameterSlice> slices = new ArrayList<>();
        for (Map.Entry<String, long[]> tensor : shapes.entrySet()) {
            String name = tensor.getKey();
            ParameterSlice values = earlier.get(name);
            if (values == null && base != null) {
                values = base.apply(name);
            }
            if (values == null) {
                throw new IOException(
                        "version " + number + " has " + name + " as in the base model; name that model with --model");
            }
            List<ParameterSlice> cut = ParameterSlices.changed(next, List.of(values), Map.of());
            cut.forEach(slice -> slice.setShape(sides(tensor.getValue()))); // classes that were added stay
            slices.addAll(cut);
        }
        return slices;
    }

    private static List<Long> sides(long[] shape) {
        List<Long> sides = new ArrayList<>();
        for (long side : shape) {
            sides.add(side);
        }
        return sides;
    }

    private ParameterVersion commit(VersionHistory history, ParameterVersion newest, long next, int slices)
            throws IOException {
        return ParameterVersion.newBuilder()
                .setVersion(next)
                .setParent(newest.getVersion())
                .setBaseModelHash(newest.getBaseModelHash())
                .setStep(number == 0 ? 0 : history.find(number).getStep())
                .setSlices(slices)
                .setCreatedAt(Instant.now())
                .setPublisher(PUBLISHER)
                .setComment("rollback to " + number)
                .build();
    }

    /** Whether no other publisher came between, who may have taken the same number or built on what was before. */
    private static boolean isOnlyOneAfter(int before, long offset, VersionHistory history) throws IOException {
        long deadline = System.nanoTime() + PATIENCE.toNanos();
        while (true) {
            history.readOn();
            List<VersionAssembler.Commit> since =
                    history.commits().subList(before, history.commits().size());
            if (since.stream().anyMatch(commit -> commit.offset() == offset)) {
                return since.size() == 1;
            }
            if (System.nanoTime() > deadline) {
                throw new IOException(
                        "the version was published, but can not be read back within "
                                + PATIENCE.toSeconds()
                                + " s: another publisher's transaction is open; look at it later with 'finestream models list'");
            }
        }
    }
}
