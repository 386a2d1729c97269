package io.finestream.codec;

import java.util.Arrays;
import java.util.Optional;

/** The kinds of image files that can be read. */
public enum ImageFormat {
    PNG("image/png", 0x89, 'P', 'N', 'G'),
    JPEG("image/jpeg", 0xff, 0xd8, 0xff),
    GIF("image/gif", 'G', 'I', 'F', '8'),
    BMP("image/bmp", 'B', 'M');

    private final String mediaType;
    private final int[] beginning;

    ImageFormat(String mediaType, int... beginning) {
        this.mediaType = mediaType;
        this.beginning = beginning;
    }

    /** The kind that a file is of by its first bytes, whatever it is called. */
    public static Optional<ImageFormat> of(byte[] file) {
        return Arrays.stream(values()).filter(format -> format.begins(file)).findFirst();
    }

    private boolean begins(byte[] file) {
        if (file.length < beginning.length) {
            return false;
        }
        for (int i = 0; i < beginning.length; i++) {
            if ((file[i] & 0xff) != beginning[i]) {
                return false;
            }
        }
        return true;
    }

    public String mediaType() {
        return mediaType;
    }
}
