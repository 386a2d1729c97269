/**
 * A procedural garden: flowers drawn with Java2D, the data source of the model that ships.
 *
 * <p>A {@link io.finestream.flowers.FlowerFamily family} is a superclass and draws one silhouette. A
 * {@link io.finestream.flowers.Species species} is a subclass: a colour, a second colour and a build within its family,
 * and a name that says so. An image seed picks the background, the light, the pose and small irregularities, all from
 * distributions that every species shares, so nothing but the flower tells the species.
 *
 * <p>Drawing happens in <em>flower units</em>: the side of the image is 1, the origin is the middle of the flower, x
 * points right, y points down, angles are radians and turn clockwise. Petals are built pointing up, towards negative y.
 */
@NullMarked
package io.finestream.flowers;

import org.jspecify.annotations.NullMarked;
