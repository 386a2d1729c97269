/** The job graph, what it is connected to, and how it is configured. */
@NullMarked
package io.finestream.pipeline;

import org.jspecify.annotations.NullMarked;
