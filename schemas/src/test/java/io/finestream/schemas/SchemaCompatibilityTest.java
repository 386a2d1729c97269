package io.finestream.schemas;

import static org.apache.avro.SchemaCompatibility.checkReaderWriterCompatibility;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;
import org.apache.avro.SchemaFormatter;
import org.apache.avro.SchemaNormalization;
import org.junit.jupiter.api.Test;

/** Messages and checkpoints outlive the program that wrote them, and programs of two versions run side by side. */
class SchemaCompatibilityTest {
    private static final String HISTORY = "src/main/resources/io/finestream/schemas/history";

    @Test
    void everySchemaReadsAndIsReadByEveryCommittedVersion() throws IOException {
        for (Schema current : CurrentSchemas.all()) {
            for (Path file : committed(current)) {
                Schema predecessor = new Schema.Parser().parse(file.toFile());
                assertReads(current, predecessor, file);
                assertReads(predecessor, current, file);
            }
        }
    }

    private static void assertReads(Schema reader, Schema writer, Path predecessor) {
        assertThat(checkReaderWriterCompatibility(reader, writer).getResult().getIncompatibilities())
                .extracting(found -> "%s at %s: %s".formatted(found.getType(), found.getLocation(), found.getMessage()))
                .as(
                        "%s and its predecessor %s must read each other: add and remove only fields with a default, rename nothing, change no type",
                        reader.getName(), predecessor)
                .isEmpty();
    }

    @Test
    void everySchemaIsCommittedAsItsNewestVersion() throws IOException {
        Path proposed = Path.of("target/schema-history");
        List<String> commands = new ArrayList<>();
        for (Schema current : CurrentSchemas.all()) {
            List<Path> committed = committed(current);
            boolean same = !committed.isEmpty()
                    && SchemaNormalization.parsingFingerprint64(new Schema.Parser()
                                    .parse(committed.get(committed.size() - 1).toFile()))
                            == SchemaNormalization.parsingFingerprint64(current);
            if (!same) {
                Path file = proposed.resolve("%s/v%d.avsc".formatted(current.getName(), committed.size() + 1));
                Files.createDirectories(file.getParent());
                Files.writeString(file, SchemaFormatter.format("json/pretty", current) + "\n");
                commands.add("mkdir -p %1$s/%2$s && cp %3$s %1$s/%2$s/".formatted(HISTORY, current.getName(), file));
            }
        }
        if (!commands.isEmpty()) {
            fail(
                    "a schema differs from its newest committed version; commit the new one, so that messages written with it stay readable. It is written out; in schemas/ run%n%s",
                    String.join("\n", commands));
        }
    }

    /** Oldest first. */
    private static List<Path> committed(Schema record) {
        List<Path> versions = new ArrayList<>();
        for (int version = 1; ; version++) {
            Path file = Path.of(HISTORY, record.getName(), "v%d.avsc".formatted(version));
            if (!Files.exists(file)) {
                return versions;
            }
            versions.add(file);
        }
    }
}
