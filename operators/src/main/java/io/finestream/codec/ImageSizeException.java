package io.finestream.codec;

import java.io.IOException;

/** An image that is too large or too small; the message says which size it has, and what was expected. */
public final class ImageSizeException extends IOException {

    private static final long serialVersionUID = 1;

    public ImageSizeException(String message) {
        super(message);
    }
}
