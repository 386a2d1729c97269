package io.finestream.bench;

/** The shortest of several repetitions: whatever else the machine does can only lengthen one. */
final class ShortestTime {

    private long nanos = Long.MAX_VALUE;

    void of(Runnable work) {
        long start = System.nanoTime();
        work.run();
        nanos = Math.min(nanos, System.nanoTime() - start);
    }

    long nanos() {
        return nanos;
    }
}
