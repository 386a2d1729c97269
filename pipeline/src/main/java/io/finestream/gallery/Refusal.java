package io.finestream.gallery;

/** What the page asked for can not be done; the message says why, for the one who asked. */
final class Refusal extends Exception {

    private static final long serialVersionUID = 1;

    private final int status;

    /** @param status of HTTP, from 400 */
    Refusal(int status, String message) {
        super(message);
        this.status = status;
    }

    int status() {
        return status;
    }
}
