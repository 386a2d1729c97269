package io.finestream.cli;

import io.finestream.dit.ComputeType;
import io.finestream.metrics.PixelDifference;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;

/**
 * What {@code bench quality} tells.
 *
 * @param images in every set
 * @param real of real images
 * @param made of a model's
 * @param pairs of the model's images that are compared one by one
 */
record QualityReport(int images, Real real, List<Made> made, List<Pair> pairs) {

    /**
     * What can be expected at most.
     *
     * @param toReal distance to as many other real images
     */
    record Real(double superclass, double subclass, double toReal) {
        static Real of(JudgedSet real, JudgedSet otherReal) {
            return new Real(real.accuracy().superclass(), real.accuracy().subclass(), real.distance(otherReal));
        }
    }

    /**
     * A set.
     *
     * @param secondsPerImage in full batches, decoding included
     * @param superclass share of the images that are taken for what they are meant to be
     * @param toReal Fréchet distance to real images
     * @param toMany Fréchet distance to the set of many steps
     */
    record Made(
            String name,
            ComputeType dtype,
            int steps,
            double secondsPerImage,
            double superclass,
            double subclass,
            double toReal,
            double toMany) {}

    /** Two sets of the same classes, image by image and as a whole. */
    record Pair(String name, PixelDifference pixels, double frechetDistance) {
        static Pair of(String name, JudgedSet a, JudgedSet b) {
            return new Pair(name, a.pixels(b), a.distance(b));
        }
    }

    void print(PrintWriter out, BenchOptions options) {
        out.printf(Locale.ROOT, "%s; sets of %s%n", options, Counted.of(images, "image"));
        out.printf(
                "%-30s%6s%7s%9s%12s%10s%10s%10s%n",
                "set", "type", "steps", "image", "superclass", "subclass", "to real", "to many");
        out.printf(
                Locale.ROOT,
                "%-30s%6s%7s%9s%10.1f %%%8.1f %%%10.4f%n",
                "real, to other real",
                "",
                "",
                "",
                100 * real.superclass(),
                100 * real.subclass(),
                real.toReal());
        for (Made set : made) {
            out.printf(
                    Locale.ROOT,
                    "%-30s%6s%7d%7.3f s%10.1f %%%8.1f %%%10.4f%10.4f%n",
                    set.name(),
                    set.dtype(),
                    set.steps(),
                    set.secondsPerImage(),
                    100 * set.superclass(),
                    100 * set.subclass(),
                    set.toReal(),
                    set.toMany());
        }
        out.printf("%-30s%18s%9s%11s%18s%n", "pair", "mean abs, of 255", "largest", "identical", "Fréchet distance");
        for (Pair pair : pairs) {
            out.printf(
                    Locale.ROOT,
                    "%-30s%18.3f%9d%11d%18.5f%n",
                    pair.name(),
                    pair.pixels().mean(),
                    pair.pixels().largest(),
                    pair.pixels().identical(),
                    pair.frechetDistance());
        }
        out.flush();
    }
}
