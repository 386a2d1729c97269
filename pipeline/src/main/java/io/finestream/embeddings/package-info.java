/** The map of classes: rows of the label tables in the plane, as numbers and as a picture. */
@NullMarked
package io.finestream.embeddings;

import org.jspecify.annotations.NullMarked;
