/** Measurements of the program itself, for people who choose a machine or change the code. */
@NullMarked
package io.finestream.bench;

import org.jspecify.annotations.NullMarked;
