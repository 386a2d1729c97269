/** Measures of images: a classifier of them, how far two sets of images are apart, and what a set is taken for. */
@NullMarked
package io.finestream.metrics;

import org.jspecify.annotations.NullMarked;
