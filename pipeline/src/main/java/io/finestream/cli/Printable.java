package io.finestream.cli;

/** Text from a stream: it must not steer the terminal. */
final class Printable {

    private Printable() {}

    /** With a question mark for every control character. */
    static String of(String text) {
        return text.replaceAll("\\p{Cntrl}", "?");
    }
}
