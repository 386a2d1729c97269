package io.finestream.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;
import org.apache.avro.specific.SpecificRecord;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.TypeConversionException;

/** Avro records as JSON that people write: field names, no type tags, times as in {@code 2026-01-31T12:00:00Z}. */
final class RecordJson {

    private static final ObjectMapper JSON = new ObjectMapper();

    private RecordJson() {}

    /** Every field but those of type bytes. */
    static ObjectNode write(SpecificRecord value) {
        ObjectNode json = JSON.createObjectNode();
        for (Schema.Field field : value.getSchema().getFields()) {
            if (field.schema().getType() != Schema.Type.BYTES) {
                json.set(field.name(), write(value.get(field.pos())));
            }
        }
        return json;
    }

    private static JsonNode write(@Nullable Object value) {
        if (value instanceof SpecificRecord nested) {
            return write(nested);
        }
        if (value instanceof List<?> list) {
            ArrayNode array = JSON.createArrayNode();
            list.forEach(element -> array.add(write(element)));
            return array;
        }
        if (value instanceof Enum || value instanceof Instant) {
            return JSON.valueToTree(value.toString());
        }
        return JSON.valueToTree(value);
    }

    /**
     * Sets the fields that {@code json} names, and leaves the others as they are.
     *
     * @throws IllegalArgumentException that names the field, if there is none of this name or the value does not fit
     */
    static void fill(SpecificRecord target, JsonNode json) {
        if (!json.isObject()) {
            throw new IllegalArgumentException("expected a JSON object as in {\"subclass\":\"...\"}, found " + json);
        }
        for (Map.Entry<String, JsonNode> entry : json.properties()) {
            Schema.Field field = target.getSchema().getField(entry.getKey());
            if (field == null) {
                throw new IllegalArgumentException("there is no field '" + entry.getKey() + "'; expected any of "
                        + fieldNames(target.getSchema()));
            }
            Object old = target.get(field.pos());
            if (old instanceof SpecificRecord nested && entry.getValue().isObject()) {
                fill(nested, entry.getValue());
            } else {
                target.put(field.pos(), read(field.schema(), entry.getKey(), entry.getValue()));
            }
        }
    }

    private static @Nullable Object read(Schema schema, String name, JsonNode json) {
        if (schema.isUnion()) {
            return json.isNull() ? null : read(nonNull(schema), name, json);
        }
        boolean time = schema.getLogicalType() != null;
        return switch (schema.getType()) {
            case STRING -> json.isTextual() ? json.textValue() : refuse(name, json, "a text");
            case INT -> json.isInt() ? json.intValue() : refuse(name, json, "a whole number");
            case LONG ->
                time
                        ? time(name, json)
                        : json.isIntegralNumber() && json.canConvertToLong()
                                ? (Object) json.longValue()
                                : refuse(name, json, "a whole number");
            case DOUBLE -> json.isNumber() ? json.doubleValue() : refuse(name, json, "a number");
            case ENUM -> symbol(schema, name, json);
            case MAP -> texts(name, json);
            default -> refuse(name, json, "a JSON object");
        };
    }

    private static Instant time(String name, JsonNode json) {
        if (json.isIntegralNumber() && json.canConvertToLong()) {
            return Instant.ofEpochMilli(json.longValue());
        }
        try {
            return TimeConverters.instant(json.asText(), Instant.now());
        } catch (TypeConversionException e) {
            throw new IllegalArgumentException(name + ": " + e.getMessage(), e);
        }
    }

    private static Object symbol(Schema schema, String name, JsonNode json) {
        String symbol = json.asText().toUpperCase(Locale.ROOT).replace('-', '_');
        return schema.hasEnumSymbol(symbol)
                ? SpecificData.get().createEnum(symbol, schema)
                : refuse(name, json, "one of " + String.join(", ", schema.getEnumSymbols()));
    }

    private static Map<String, String> texts(String name, JsonNode json) {
        Map<String, String> texts = new LinkedHashMap<>();
        if (!json.isObject()) {
            refuse(name, json, "a JSON object of texts");
        }
        json.properties().forEach(entry -> {
            if (!entry.getValue().isTextual()) {
                refuse(name + "." + entry.getKey(), entry.getValue(), "a text");
            }
            texts.put(entry.getKey(), entry.getValue().textValue());
        });
        return texts;
    }

    private static Object refuse(String name, JsonNode json, String expected) {
        throw new IllegalArgumentException(name + " is " + json + ", expected " + expected);
    }

    private static Schema nonNull(Schema union) {
        return union.getTypes().stream()
                .filter(type -> type.getType() != Schema.Type.NULL)
                .findFirst()
                .orElseThrow();
    }

    private static String fieldNames(Schema schema) {
        return schema.getFields().stream().map(Schema.Field::name).collect(Collectors.joining(", "));
    }
}
