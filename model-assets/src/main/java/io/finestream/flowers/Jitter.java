package io.finestream.flowers;

import java.util.random.RandomGenerator;

/** Small random deviations; equal generators give equal deviations. */
final class Jitter {

    private final RandomGenerator random;

    Jitter(RandomGenerator random) {
        this.random = random;
    }

    /** Uniform in {@code [-spread, spread)}. */
    double around(double spread) {
        return between(-spread, spread);
    }

    double between(double low, double high) {
        return low + (high - low) * random.nextDouble();
    }
}
