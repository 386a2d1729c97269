/** Everything in one JVM, for a first look: broker, Flink cluster, job, a trickle of requests, and the page. */
@NullMarked
package io.finestream.demo;

import org.jspecify.annotations.NullMarked;
