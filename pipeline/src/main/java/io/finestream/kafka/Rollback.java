package io.finestream.kafka;

import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.ParameterSlices;
import io.finestream.versions.VersionAssembler;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Goes back to an earlier version by publishing its tensors as a new one.
 *
 * @param history of the same topic that {@code publisher} writes
 * @param base the base model, for what the earlier version had not changed; null: not to be had
 * @param by who goes back, as the version's record says it
 */
public record Rollback(
        VersionHistory history,
        VersionPublisher publisher,
        AdapterFiles adapters,
        @Nullable BaseTensors base,
        String by) {

    private static final int ATTEMPTS = 5;
    private static final Duration PATIENCE = Duration.ofMinutes(1);

    /**
     * Publishes the tensors of a version under the next number.
     *
     * @param number of the version to go back to; 0 is the base model
     * @return the number it has now
     * @throws IOException that says what is missing, if the version's tensors are not to be had
     */
    public long to(long number) throws IOException {
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
            List<ParameterSlice> slices = slices(number, newest, next);
            long offset = publisher.publish(slices, commit(number, newest, next, slices.size()));
            if (isOnlyOneAfter(before.size(), offset)) {
                return next;
            }
        }
        throw new IOException("another publisher took the same number " + ATTEMPTS
                + " times; stop the fine-tuning job, and try again");
    }

    /** Every row of the earlier version, so that it does not matter what the newest is when they arrive. */
    private List<ParameterSlice> slices(long number, ParameterVersion newest, long next) throws IOException {
        Map<String, ParameterSlice> earlier = number == 0
                ? Map.of()
                : AdapterFiles.read(adapters.file(history.find(number), newest.getVersion()), number);
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

    private ParameterVersion commit(long number, ParameterVersion newest, long next, int slices) throws IOException {
        return ParameterVersion.newBuilder()
                .setVersion(next)
                .setParent(newest.getVersion())
                .setBaseModelHash(newest.getBaseModelHash())
                .setStep(number == 0 ? 0 : history.find(number).getStep())
                .setSlices(slices)
                .setCreatedAt(Instant.now())
                .setPublisher(by)
                .setComment("rollback to " + number)
                .build();
    }

    /** Whether no other publisher came between, who may have taken the same number or built on what was before. */
    private boolean isOnlyOneAfter(int before, long offset) throws IOException {
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
