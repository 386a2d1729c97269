package io.finestream.cli;

import java.util.Locale;

/** Numbers of things in messages. */
final class Counted {

    private Counted() {}

    /** As in {@code 1 image}, {@code 2,000 images}, {@code 2 classes}. */
    static String of(long n, String noun) {
        String plural = noun.endsWith("s") ? noun + "es" : noun + "s";
        return String.format(Locale.ROOT, "%,d %s", n, n == 1 ? noun : plural);
    }
}
