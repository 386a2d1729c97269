package io.finestream.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.exc.ValueInstantiationException;
import io.finestream.diffusion.SampleSpec;
import io.finestream.schemas.SamplerName;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.SplittableRandom;

/**
 * Requests in the order in which they came. As a file it is a JSON object per line, with the fields of {@link Arrival}.
 *
 * @param arrivals at least one, the earliest first
 */
public record Trace(List<Arrival> arrivals) {

    private static final int FEWEST_STEPS = 10;
    private static final int MOST_STEPS = 50;
    private static final double MICROS = 1e6; // of a second
    private static final ObjectMapper JSON = new ObjectMapper()
            .setPropertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    /** Puts the earliest first. */
    public Trace {
        if (arrivals.isEmpty()) {
            throw new IllegalArgumentException("a trace has no requests, expected at least 1");
        }
        arrivals = arrivals.stream()
                .sorted(Comparator.comparingLong(Arrival::atMicros))
                .toList();
    }

    /**
     * Poisson arrivals of mixed requests: any class, any sampler, 10 to 50 steps, guided at the model's scale or not.
     *
     * @param count requests
     * @param perSecond mean rate
     * @param guided share of requests that are guided, 0 to 1
     * @param seed of everything; rate and requests are independent, so another rate has the same requests
     */
    public static Trace poisson(GenerativeModel model, int count, double perSecond, double guided, long seed) {
        SplittableRandom gaps = new SplittableRandom(seed);
        SplittableRandom requests = gaps.split();
        double scale = model.config().defaults().guidanceScale();
        SamplerName[] samplers = SamplerName.values();
        List<Arrival> arrivals = new ArrayList<>();
        double seconds = 0;
        for (int i = 0; i < count; i++) {
            seconds -= Math.log(1 - gaps.nextDouble()) / perSecond;
            int subclass = requests.nextInt(model.taxonomy().subclasses().size());
            int steps = requests.nextInt(FEWEST_STEPS, MOST_STEPS + 1);
            boolean isGuided = requests.nextDouble() < guided;
            SamplerName sampler = samplers[requests.nextInt(samplers.length)];
            arrivals.add(new Arrival(
                    Math.round(MICROS * seconds),
                    model.taxonomy().subclassName(subclass),
                    steps,
                    isGuided ? scale : 1,
                    sampler,
                    i)); // noise of its own
        }
        return new Trace(arrivals);
    }

    /** @throws IllegalArgumentException that names the line, if one is no request */
    public static Trace read(Path file) throws IOException {
        List<String> lines = Files.readAllLines(file);
        List<Arrival> arrivals = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            if (lines.get(i).isBlank()) {
                continue;
            }
            try {
                arrivals.add(JSON.readValue(lines.get(i), Arrival.class));
            } catch (ValueInstantiationException e) {
                throw wrong(
                        file,
                        i,
                        String.valueOf(e.getCause() == null ? e : e.getCause().getMessage()),
                        e);
            } catch (JsonProcessingException e) {
                throw wrong(file, i, e.getOriginalMessage(), e);
            }
        }
        return new Trace(arrivals);
    }

    private static IllegalArgumentException wrong(Path file, int index, String why, Exception cause) {
        return new IllegalArgumentException(
                file + ", line " + (index + 1) + ": " + why
                        + "; expected a request as 'bench trace --record' writes it",
                cause);
    }

    public void write(Path file) throws IOException {
        List<String> lines = new ArrayList<>();
        for (Arrival arrival : arrivals) {
            lines.add(JSON.writeValueAsString(arrival));
        }
        Path folder = file.toAbsolutePath().getParent();
        Files.createDirectories(Objects.requireNonNull(folder, "a file has a folder"));
        Files.write(file, lines);
    }

    /** The same requests, {@code factor} times as fast. */
    public Trace faster(double factor) {
        return new Trace(arrivals.stream()
                .map(arrival -> arrival.at(Math.round(arrival.atMicros() / factor)))
                .toList());
    }

    /** Requests per second, from the beginning to the last. */
    public double perSecond() {
        return arrivals.size()
                / Math.max(1e-9, arrivals.get(arrivals.size() - 1).atMicros() / MICROS);
    }

    /** What the requests ask of a model, in their order. */
    public List<SampleSpec> specs(GenerativeModel model) {
        return arrivals.stream().map(arrival -> arrival.spec(model)).toList();
    }

    /** Rows of all passes that a request takes, on average. */
    public static double meanRows(List<SampleSpec> specs) {
        return specs.stream().mapToInt(Arrival::rows).average().orElseThrow();
    }
}
