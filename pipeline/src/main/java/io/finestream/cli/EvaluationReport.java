package io.finestream.cli;

import io.finestream.metrics.ClassAccuracy;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * What {@code evaluate} tells, to people and to programs.
 *
 * @param images the model or the folder that they are from
 * @param generation how a model made them; null for a folder
 */
record EvaluationReport(String images, @Nullable Generation generation, Evaluation evaluation) {

    private static final int MOST_CONFUSIONS = 10;

    /** @param guidanceScale w of the guidance, 1 for none */
    record Generation(int steps, double guidanceScale, long seed, double imagesPerSecond) {}

    void writeJson(Path file) throws IOException {
        JsonFile.write(file, this);
    }

    void print(PrintWriter out) {
        ClassAccuracy made = evaluation.made();
        ClassAccuracy real = evaluation.real();
        out.printf("%-22s%14s%14s%n", "", generation == null ? "judged" : "generated", "real");
        out.printf(Locale.ROOT, "%-22s%,14d%,14d%n", "images", made.images(), real.images());
        printShares(out, "superclass accuracy", made.superclass(), real.superclass());
        printShares(out, "subclass accuracy", made.subclass(), real.subclass());
        printDistances(out);
        printConfusions(out, "confusions", made);
        printConfusions(out, "confusions of real images", real);
        if (generation != null) {
            out.printf(
                    Locale.ROOT,
                    "%s: %.2f images/s, %d steps, guidance %.2f, seed %d%n",
                    images,
                    generation.imagesPerSecond(),
                    generation.steps(),
                    generation.guidanceScale(),
                    generation.seed());
        }
        out.flush();
    }

    private static void printShares(PrintWriter out, String what, double made, double real) {
        out.printf(Locale.ROOT, "%-22s%12.1f %%%12.1f %%%n", what, 100 * made, 100 * real);
    }

    private void printDistances(PrintWriter out) {
        out.printf(Locale.ROOT, "%-22s%14.5f%n", "Fréchet distance", evaluation.frechetDistance());
        Evaluation.EqualSizes equal = evaluation.equalSizes();
        if (equal != null) {
            out.printf(
                    Locale.ROOT,
                    "%-22s%14.5f%14.5f  (the floor: real to real)%n",
                    "  of " + Counted.of(equal.images(), "image"),
                    equal.madeToReal(),
                    equal.realToReal());
        }
    }

    private static void printConfusions(PrintWriter out, String title, ClassAccuracy accuracy) {
        if (accuracy.confusions().isEmpty()) {
            return;
        }
        out.println(title + ":");
        accuracy.confusions().stream()
                .limit(MOST_CONFUSIONS)
                .forEach(confusion -> out.printf(
                        Locale.ROOT,
                        "%,6d  %s taken for %s%n",
                        confusion.count(),
                        confusion.meant(),
                        confusion.takenFor()));
    }
}
