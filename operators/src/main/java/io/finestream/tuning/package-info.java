/** Training: one optimizer step of chosen parameters, and the images it learns from. */
@NullMarked
package io.finestream.tuning;

import org.jspecify.annotations.NullMarked;
