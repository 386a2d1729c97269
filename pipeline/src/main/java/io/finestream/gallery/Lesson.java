package io.finestream.gallery;

import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The labeled images that a version was trained on, as far as they were looked at.
 *
 * @param images by subclass, in the order in which the classes came
 * @param isWhole whether all of them were looked at: there may be many, and the topic forgets
 * @param freshness from the last labeled image to the version; null where none is there any more
 */
record Lesson(
        Map<String, Integer> images,
        boolean isWhole,
        @Nullable Duration freshness) {}
