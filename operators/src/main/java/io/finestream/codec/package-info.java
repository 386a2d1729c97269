/** Latents to pixels, and pixels to the bytes of an image file. */
@NullMarked
package io.finestream.codec;

import org.jspecify.annotations.NullMarked;
