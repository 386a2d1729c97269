package io.finestream.schemas.wire;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.avro.Schema;

/** The committed versions of a record's schema: {@code history/<Record>/v1.avsc} and up, among the resources. */
final class SchemaHistory {
    private SchemaHistory() {}

    /** Oldest first; empty for a record without a history. */
    static List<Schema> of(Schema record) {
        List<Schema> versions = new ArrayList<>();
        while (true) {
            String file = "/io/finestream/schemas/history/%s/v%d.avsc".formatted(record.getName(), versions.size() + 1);
            try (InputStream in = SchemaHistory.class.getResourceAsStream(file)) {
                if (in == null) {
                    return versions;
                }
                versions.add(new Schema.Parser().parse(in));
            } catch (IOException e) {
                throw new UncheckedIOException("cannot read " + file, e);
            }
        }
    }
}
