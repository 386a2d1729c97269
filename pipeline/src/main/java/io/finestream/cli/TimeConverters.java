package io.finestream.cli;

import java.time.Duration;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Times as people write them. */
final class TimeConverters {

    private static final Pattern AMOUNT = Pattern.compile("(\\d{1,9})(ms|s|m|h|d)");

    private TimeConverters() {}

    /** {@code 500ms}, {@code 30s}, {@code 5m}, {@code 2h}, {@code 1d}. */
    static final class OfDuration implements ITypeConverter<Duration> {
        @Override
        public Duration convert(String value) {
            return duration(value);
        }
    }

    /** A duration from now, or an instant such as {@code 2026-01-31T12:00:00Z}. */
    static final class OfInstant implements ITypeConverter<Instant> {
        @Override
        public Instant convert(String value) {
            return instant(value, Instant.now());
        }
    }

    static Instant instant(String value, Instant now) {
        if (AMOUNT.matcher(value).matches()) {
            return now.plus(duration(value));
        }
        try {
            return Instant.parse(value);
        } catch (DateTimeParseException e) {
            throw new TypeConversionException("'" + value
                    + "' is no time, expected a duration from now such as 30s or 5m, or 2026-01-31T12:00:00Z");
        }
    }

    private static Duration duration(String value) {
        Matcher matcher = AMOUNT.matcher(value);
        if (!matcher.matches()) {
            throw new TypeConversionException(
                    "'" + value + "' is no duration, expected a number and a unit such as 500ms, 30s, 5m, 2h or 1d");
        }
        long amount = Long.parseLong(matcher.group(1));
        return switch (matcher.group(2)) {
            case "ms" -> Duration.ofMillis(amount);
            case "s" -> Duration.ofSeconds(amount);
            case "m" -> Duration.ofMinutes(amount);
            case "h" -> Duration.ofHours(amount);
            default -> Duration.ofDays(amount);
        };
    }
}
