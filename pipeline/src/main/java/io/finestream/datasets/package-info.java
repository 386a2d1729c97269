/** Data sets of labeled images as they are published: which files there are, and which class each is of. */
@NullMarked
package io.finestream.datasets;

import org.jspecify.annotations.NullMarked;
