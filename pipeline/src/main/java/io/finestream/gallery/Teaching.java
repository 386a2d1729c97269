package io.finestream.gallery;

import io.finestream.dit.Taxonomy;
import io.finestream.weights.ModelChoice;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the page knows about the model that is taught, beside what Kafka tells.
 *
 * @param taxonomy classes of the base model; empty: not known, then only those show that were added since
 * @param adapters folder of the fine-tuning job's files, for going back to older versions; null for none
 * @param model the base model, for going back to what it had; null for none
 */
public record Teaching(
        Taxonomy taxonomy,
        @Nullable Path adapters,
        @Nullable ModelChoice model) {

    /** Nothing is known but what Kafka tells. */
    public static final Teaching UNKNOWN = new Teaching(new Taxonomy(List.of(), List.of()), null, null);
}
