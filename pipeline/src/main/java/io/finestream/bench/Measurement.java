package io.finestream.bench;

import io.finestream.dit.ComputeType;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * One line of the results; null where a column does not apply.
 *
 * @param what was measured
 * @param type arithmetic
 * @param millis that it took
 * @param gflopsPerSecond by the count of {@link io.finestream.dit.DiTConfig#multiplyAdds}, two operations each
 */
public record Measurement(
        Part part,
        String what,
        @Nullable ComputeType type,
        @Nullable Double millis,
        @Nullable Rate rate,
        @Nullable Double gflopsPerSecond,
        @Nullable Share share) {

    private static final double NANOS_PER_MILLI = 1e6;
    private static final double NANOS_PER_SECOND = 1e9;
    private static final double GIGA = 1e9;

    /** @param unit of what is counted, as in {@code images} */
    public record Rate(double perSecond, String unit) {}

    /** @param of what it is compared with, as in {@code fp32} for the ceiling of that arithmetic */
    public record Share(double fraction, String of) {}

    static Measurement of(Part part, String what) {
        return new Measurement(part, what, null, null, null, null, null);
    }

    Measurement in(ComputeType arithmetic) {
        return new Measurement(part, what, arithmetic, millis, rate, gflopsPerSecond, share);
    }

    Measurement took(double milliseconds) {
        return new Measurement(part, what, type, milliseconds, rate, gflopsPerSecond, share);
    }

    Measurement tookNanos(double nanos) {
        return took(nanos / NANOS_PER_MILLI);
    }

    Measurement at(double perSecond, String unit) {
        return new Measurement(part, what, type, millis, new Rate(perSecond, unit), gflopsPerSecond, share);
    }

    /** @param count made in {@code nanos} */
    Measurement made(double count, String unit, double nanos) {
        return at(count / nanos * NANOS_PER_SECOND, unit);
    }

    Measurement computing(double flopsPerSecond) {
        return new Measurement(part, what, type, millis, rate, flopsPerSecond / GIGA, share);
    }

    /** @param flops computed in {@code nanos} */
    Measurement computed(double flops, double nanos) {
        return computing(flops / nanos * NANOS_PER_SECOND);
    }

    Measurement sharing(double fraction, String of) {
        return new Measurement(part, what, type, millis, rate, gflopsPerSecond, new Share(fraction, of));
    }

    /** The same as a share of the ceiling of its arithmetic, if it computes in one. */
    Measurement under(Ceiling ceiling) {
        return type == null || gflopsPerSecond == null
                ? this
                : sharing(gflopsPerSecond * GIGA / ceiling.flopsPerSecond(type), type.toString());
    }

    @Override
    public String toString() {
        return String.format(Locale.ROOT, "%s: %s", part, what);
    }
}
