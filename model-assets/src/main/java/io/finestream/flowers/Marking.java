package io.finestream.flowers;

/** Where a petal shows the species' second colour. */
public enum Marking {
    /** Nowhere: one colour with a gentle gradient. */
    PLAIN,
    /** On the outer part of the petals. */
    EDGED,
    /** On the inner part of the petals, a ring around the middle of the flower. */
    EYED,
    /** On a band across the petals, between their inner and their outer part. */
    BANDED
}
