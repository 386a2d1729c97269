package io.finestream.cli;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.finestream.diffusion.Guidance;
import io.finestream.diffusion.NoiseSchedule;
import io.finestream.flink.Samplers;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceSpec;
import java.io.IOException;
import java.nio.charset.MalformedInputException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Requests from a file: a JSON object per line with the fields of {@code GenerationRequest}, or a class per line. */
final class RequestFile {

    private static final ObjectMapper JSON = new ObjectMapper()
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

    private RequestFile() {}

    /**
     * @param template what a line leaves open. A line without a seed gets the template's plus the number of requests
     *     before it, so that a class that is there twice gives different images
     * @throws IllegalArgumentException that names the line, if one is no request; none is returned then
     */
    static List<GenerationRequest> read(Path file, GenerationRequest template) throws IOException {
        List<String> lines;
        try {
            lines = Files.readAllLines(file);
        } catch (MalformedInputException e) {
            throw new IllegalArgumentException(file + " is no text in UTF-8; expected a request per line", e);
        }
        List<GenerationRequest> requests = new ArrayList<>();
        for (int i = 0; i < lines.size(); i++) {
            String line = lines.get(i).strip();
            if (line.isEmpty()) {
                continue;
            }
            try {
                requests.add(request(line, template, requests.size()));
            } catch (IllegalArgumentException e) {
                throw new IllegalArgumentException(file + ", line " + (i + 1) + ": " + e.getMessage(), e);
            }
        }
        if (requests.isEmpty()) {
            throw new IllegalArgumentException(file + " is empty, expected a request per line");
        }
        return requests;
    }

    private static GenerationRequest request(String line, GenerationRequest template, int index) {
        GenerationRequest request = GenerationRequest.newBuilder(template)
                .setRequestId(UUID.randomUUID().toString())
                .setSeed(template.getSeed() + index)
                .build();
        if (line.startsWith("{")) {
            RecordJson.fill(request, parse(line));
        } else {
            setClass(request, line);
        }
        check(request);
        return request;
    }

    private static JsonNode parse(String line) {
        try {
            return JSON.readTree(line);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(
                    e.getOriginalMessage() + " at column " + e.getLocation().getColumnNr(), e);
        }
    }

    /** By number if it is one, and otherwise by name; only the generator knows the classes. */
    static void setClass(GenerationRequest request, String nameOrNumber) {
        boolean number = nameOrNumber.matches("#?\\d{1,9}");
        request.setSubclass(number ? null : nameOrNumber);
        request.setSubclassId(number ? Integer.valueOf(nameOrNumber.replace("#", "")) : null);
    }

    /** @throws IllegalArgumentException if no generator could serve it, whatever its model */
    private static void check(GenerationRequest request) {
        if ((request.getSubclass() == null) == (request.getSubclassId() == null)) {
            throw new IllegalArgumentException("expected a subclass (a name) or a subclassId (a number), and not both");
        }
        if (request.getRequestId().isBlank()) {
            throw new IllegalArgumentException("requestId is empty; leave it out for a random one");
        }
        if (request.getCount() < 1 || request.getFirstSample() < 0) {
            throw new IllegalArgumentException("count is " + request.getCount() + " and firstSample "
                    + request.getFirstSample() + ", expected at least 1 and 0");
        }
        Samplers.choose(request.getSampler(), request.getEta(), request.getRespacing(), request.getCacheInterval())
                .timesteps(NoiseSchedule.DIT, request.getSteps());
        GuidanceSpec guidance = request.getGuidance();
        new Guidance(
                Guidance.Mode.valueOf(guidance.getMode().name()),
                or(guidance.getScale(), 1.0),
                or(guidance.getIntervalLow(), 0),
                or(guidance.getIntervalHigh(), NoiseSchedule.DIT.timesteps() - 1),
                or(guidance.getGuidedChannels(), 1));
    }

    private static <T> T or(@Nullable T value, T otherwise) {
        return value == null ? otherwise : value;
    }
}
