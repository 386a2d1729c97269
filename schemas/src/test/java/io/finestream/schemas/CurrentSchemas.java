package io.finestream.schemas;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.specific.SpecificData;

/** The record schemas of this build, one for each record file in {@code src/main/avro}. */
final class CurrentSchemas {
    private CurrentSchemas() {}

    static List<Schema> all() throws IOException {
        try (Stream<Path> files = Files.list(Path.of("src/main/avro"))) {
            return files.map(file -> file.getFileName().toString().replace(".avsc", ""))
                    .sorted()
                    .map(CurrentSchemas::compiled)
                    .filter(schema -> schema.getType() == Schema.Type.RECORD)
                    .toList();
        }
    }

    /** The schema of the generated class, less what the compiler adds for Java. */
    private static Schema compiled(String name) {
        try {
            Schema schema = SpecificData.get().getSchema(Class.forName("io.finestream.schemas." + name));
            return new Schema.Parser()
                    .parse(schema.toString()
                            .replace("{\"type\":\"string\",\"avro.java.string\":\"String\"}", "\"string\"")
                            .replace(",\"avro.java.string\":\"String\"", ""));
        } catch (ClassNotFoundException e) {
            throw new AssertionError("src/main/avro/%s.avsc must define %s".formatted(name, name), e);
        }
    }
}
