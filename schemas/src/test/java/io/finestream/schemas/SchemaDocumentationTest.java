package io.finestream.schemas;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.LogicalTypes;
import org.apache.avro.Schema;
import org.junit.jupiter.api.Test;

class SchemaDocumentationTest {
    /** What a number can be counted in, or be instead of a quantity. */
    private static final String UNIT =
            "(?s).*(milliseconds|nanoseconds|pixels|timestep|dimension|index|row|steps|offset"
                    + "|partition|version|seed|how many|without a unit|in the metric's unit|crc-32).*";

    private final Map<String, Schema> types = new LinkedHashMap<>();

    SchemaDocumentationTest() throws IOException {
        CurrentSchemas.all().forEach(this::collect);
    }

    @Test
    void everyTypeAndFieldSaysWhatItIs() {
        assertThat(types)
                .hasSizeGreaterThan(15)
                .allSatisfy((name, type) -> assertThat(type.getDoc()).as(name).isNotBlank());
        fields().forEach(field -> assertThat(field.field.doc()).as(field.name).isNotBlank());
    }

    @Test
    void everyNumberNamesItsUnit() {
        fields().filter(field -> field.isNumber())
                .forEach(field -> assertThat(field.field.doc().toLowerCase(Locale.ROOT))
                        .as(field.name)
                        .matches(UNIT));
    }

    @Test
    void everyPointInTimeIsInMillisecondsSinceTheEpoch() {
        fields().filter(field -> field.type().getLogicalType() != null).forEach(field -> {
            assertThat(field.type().getLogicalType()).as(field.name).isEqualTo(LogicalTypes.timestampMillis());
            assertThat(field.field.doc()).as(field.name).contains("in milliseconds since 1970-01-01 UTC");
        });
        assertThat(fields().filter(field -> field.name.endsWith("At")))
                .allSatisfy(field ->
                        assertThat(field.type().getLogicalType()).as(field.name).isNotNull());
    }

    private Stream<NamedField> fields() {
        return types.values().stream()
                .filter(type -> type.getType() == Schema.Type.RECORD)
                .flatMap(type -> type.getFields().stream()
                        .map(field -> new NamedField(type.getName() + "." + field.name(), field)));
    }

    private void collect(Schema schema) {
        switch (schema.getType()) {
            case RECORD -> {
                if (types.put(schema.getFullName(), schema) == null) {
                    schema.getFields().forEach(field -> collect(field.schema()));
                }
            }
            case ENUM -> types.put(schema.getFullName(), schema);
            case ARRAY -> collect(schema.getElementType());
            case MAP -> collect(schema.getValueType());
            case UNION -> schema.getTypes().forEach(this::collect);
            default -> {}
        }
    }

    private record NamedField(String name, Schema.Field field) {
        /** The type, or what it is when it is not null. */
        Schema type() {
            Schema type = field.schema();
            return type.isNullable() && type.isUnion() ? type.getTypes().get(1) : type;
        }

        boolean isNumber() {
            return switch (type().getType()) {
                case INT, LONG, FLOAT, DOUBLE -> true;
                default -> false;
            };
        }
    }
}
