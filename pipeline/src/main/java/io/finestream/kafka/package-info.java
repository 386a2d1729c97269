/** Kafka around the jobs: the topics, and a broker inside this JVM for the demo and for tests. */
@NullMarked
package io.finestream.kafka;

import org.jspecify.annotations.NullMarked;
