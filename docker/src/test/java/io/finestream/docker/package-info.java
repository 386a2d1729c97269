@NullMarked
package io.finestream.docker;

import org.jspecify.annotations.NullMarked;
