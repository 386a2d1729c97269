/** The command line: one class per command. */
@NullMarked
package io.finestream.cli;

import org.jspecify.annotations.NullMarked;
