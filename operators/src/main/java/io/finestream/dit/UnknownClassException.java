package io.finestream.dit;

/** A class that the model does not have; the message names the nearest that it has. */
public final class UnknownClassException extends IllegalArgumentException {

    private static final long serialVersionUID = 1;

    UnknownClassException(String message) {
        super(message);
    }
}
