/**
 * Versions of the tuned parameters as records: how tensors are cut into slices, how slices become versions again, and a
 * model with a version's tensors. It knows neither Flink nor Kafka.
 */
@NullMarked
package io.finestream.versions;

import org.jspecify.annotations.NullMarked;
