package io.finestream.flink;

import io.finestream.codec.Framing;
import io.finestream.codec.ImageSizeException;
import io.finestream.codec.Images;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormatException;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Labeled images as a model of one image size takes them in: read, checked, square. Who sends them can see here whether the
 * fine-tuning job would refuse one.
 */
public final class LabeledImageDecoder {

    /** Of a superclass and of a subclass, in characters. */
    static final int LONGEST_NAME = 200;

    /** Of an image id, in characters: it may be a path. */
    static final int LONGEST_ID = 1_000;

    /** In pixels: less shows nothing. */
    static final int SHORTEST_SIDE = 8;

    private static final int SHOWN = 50; // characters of a name that is refused
    private static final Pattern LINE_BREAKING = Pattern.compile("[\\p{Cc}\\p{Zl}\\p{Zp}]");

    /**
     * A labeled image that can be learned from.
     *
     * @param label the record, its names without space around them
     * @param planes the picture, [3, side, side] flattened, 0 to 255
     */
    public record Decoded(LabeledImage label, byte[] planes) {}

    private final AvroCodec<LabeledImage> codec;
    private final Framing framing;
    private final int side;

    /** @param side of the model's images, in pixels */
    public LabeledImageDecoder(AvroCodec<LabeledImage> codec, Framing framing, int side) {
        this.codec = codec;
        this.framing = framing;
        this.side = side;
    }

    /**
     * @param value of a record
     * @throws RequestException that says what is wrong, what was expected and what to do: {@code UNREADABLE} if the bytes
     *     are no record or hold no image, {@code INVALID} if a name or the size of the image is out of range
     */
    public Decoded decode(byte @Nullable [] value) throws RequestException {
        if (value == null) {
            throw new RequestException(ReasonCode.UNREADABLE, "the record has no value; send a LabeledImage");
        }
        LabeledImage label;
        try {
            label = codec.decode(value);
        } catch (WireFormatException e) {
            throw new RequestException(ReasonCode.UNREADABLE, String.valueOf(e.getMessage()));
        }
        label.setImageId(name("image id", label.getImageId(), LONGEST_ID));
        label.setSuperclass(name("superclass", label.getSuperclass(), LONGEST_NAME));
        label.setSubclass(name("subclass", label.getSubclass(), LONGEST_NAME));
        try {
            return new Decoded(label, planes(label.getImage()));
        } catch (IOException e) {
            throw new RequestException(
                    e instanceof ImageSizeException ? ReasonCode.INVALID : ReasonCode.UNREADABLE,
                    "image '" + label.getImageId() + "': " + e.getMessage());
        }
    }

    private byte[] planes(ByteBuffer file) throws IOException {
        byte[] bytes = new byte[file.remaining()];
        file.duplicate().get(bytes);
        BufferedImage image = Images.decode(bytes, framing, side);
        int shorter = Math.min(image.getWidth(), image.getHeight());
        if (shorter < SHORTEST_SIDE) {
            throw new ImageSizeException("its shorter side is " + shorter + " pixels, expected at least "
                    + SHORTEST_SIDE + "; send a larger image");
        }
        return Images.toPlanes(framing.square(image, side));
    }

    private static String name(String what, String value, int longest) throws RequestException {
        String name = value.strip();
        if (name.isEmpty()) {
            throw invalid("the " + what + " is empty; set it");
        }
        String shown = LINE_BREAKING
                .matcher(name.length() <= SHOWN ? name : name.substring(0, SHOWN) + "…")
                .replaceAll("?");
        if (name.length() > longest) {
            throw invalid("the " + what + " '" + shown + "' has " + name.length() + " characters, expected at most "
                    + longest + "; shorten it");
        }
        if (LINE_BREAKING.matcher(name).find()) {
            throw invalid("the " + what + " '" + shown + "' has control characters or line breaks; leave them out");
        }
        return name;
    }

    private static RequestException invalid(String reason) {
        return new RequestException(ReasonCode.INVALID, reason);
    }
}
