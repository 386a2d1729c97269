package io.finestream.gallery;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.Reporting;
import io.finestream.schemas.SamplerName;
import java.io.IOException;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** What the page's form asks for, with the names of {@code GenerationRequest}; null is as the schema or the model has it. */
record AskedImages(
        @Nullable String subclass,
        @Nullable Integer count,
        @Nullable Integer firstSample,
        @Nullable String seed, // a text: JavaScript would round the number
        @Nullable GuidanceMode guidance,
        @Nullable Double guidanceScale,
        @Nullable Integer intervalLow,
        @Nullable Integer intervalHigh,
        @Nullable Integer guidedChannels,
        @Nullable SamplerName sampler,
        @Nullable Double eta,
        @Nullable Integer steps,
        @Nullable String respacing,
        @Nullable Integer cacheInterval,
        @Nullable Integer priority) {

    private static final JsonMapper JSON = JsonMapper.builder()
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .enable(DeserializationFeature.FAIL_ON_NUMBERS_FOR_ENUMS)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(JsonParser.Feature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** @throws IllegalArgumentException that names the field which is not as expected */
    static AskedImages read(byte[] body) {
        try {
            AskedImages asked = JSON.readValue(body, AskedImages.class);
            if (asked == null) {
                throw new IllegalArgumentException("the request is null, expected a JSON object with a subclass");
            }
            return asked;
        } catch (JsonMappingException e) {
            String field = e.getPath().stream()
                    .map(JsonMappingException.Reference::getFieldName)
                    .collect(Collectors.joining("."));
            throw new IllegalArgumentException(
                    (field.isEmpty() ? "" : field + ": ") + firstLine(e.getOriginalMessage()), e);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException("the request is no JSON: " + firstLine(e.getOriginalMessage()), e);
        } catch (IOException e) {
            throw new IllegalArgumentException("the request can not be read: " + e.getMessage(), e);
        }
    }

    private static String firstLine(@Nullable String message) {
        return String.valueOf(message).lines().findFirst().orElse("");
    }

    /** The request, under an id of its own. It has not been held to the rules of a model yet. */
    GenerationRequest toRequest() {
        GenerationRequest request = GenerationRequest.newBuilder()
                .setRequestId(UUID.randomUUID().toString())
                .setSubclass(subclass)
                .setProgress(Reporting.PREVIEWS)
                .setGuidance(GuidanceSpec.newBuilder()
                        .setMode(Objects.requireNonNullElse(guidance, GuidanceMode.FINE_GRAINED))
                        .setScale(guidanceScale)
                        .setIntervalLow(intervalLow)
                        .setIntervalHigh(intervalHigh)
                        .setGuidedChannels(guidedChannels)
                        .build())
                .build();
        request.setCount(Objects.requireNonNullElse(count, request.getCount()));
        request.setFirstSample(Objects.requireNonNullElse(firstSample, request.getFirstSample()));
        request.setSeed(seed == null ? request.getSeed() : number(seed));
        request.setSampler(Objects.requireNonNullElse(sampler, request.getSampler()));
        request.setEta(Objects.requireNonNullElse(eta, request.getEta()));
        request.setSteps(Objects.requireNonNullElse(steps, request.getSteps()));
        request.setRespacing(Objects.requireNonNullElse(respacing, request.getRespacing()));
        request.setCacheInterval(Objects.requireNonNullElse(cacheInterval, request.getCacheInterval()));
        request.setPriority(Objects.requireNonNullElse(priority, request.getPriority()));
        return request;
    }

    private static long number(String seed) {
        try {
            return Long.parseLong(seed);
        } catch (NumberFormatException e) {
            throw new IllegalArgumentException(
                    "seed is '%.40s', expected a whole number from %d to %d"
                            .formatted(seed, Long.MIN_VALUE, Long.MAX_VALUE),
                    e);
        }
    }
}
