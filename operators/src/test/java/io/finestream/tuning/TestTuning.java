package io.finestream.tuning;

/** Settings for small models and quick tests. */
public final class TestTuning {

    private TestTuning() {}

    public static TuningSettings settings(
            TuningStrategy strategy, double learningRate, double gateMargin, int gateEvery) {
        return new TuningSettings(
                strategy,
                new TuningSettings.Optimization(
                        learningRate, 16, 0.1, Timesteps.UNIFORM, Double.POSITIVE_INFINITY, 0.9, 1, 5),
                new TuningSettings.Images(0.5, 12, 100, 1 << 20, 0.2),
                new TuningSettings.Candidates(gateEvery, 16, gateMargin, 3),
                1);
    }
}
