package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.finestream.codec.Framing;
import io.finestream.codec.Images;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.ImageUse;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.awt.image.BufferedImage;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabeledImageDecoderTest {

    private static final WireFormat WIRE = new WireFormat.SingleObject();
    private static final AvroCodec<LabeledImage> CODEC = new AvroCodec<>(LabeledImage.class, WIRE);

    private final LabeledImageDecoder decoder = new LabeledImageDecoder(CODEC, Framing.CENTRE_CROP, 16);

    @Test
    void aLabeledImageBecomesASquareOfTheModelsSize() throws RequestException {
        LabeledImage label = label().setUse(ImageUse.REPLAY).setSource("garden").build();
        LabeledImageDecoder.Decoded decoded = decoder.decode(CODEC.encode(label));

        assertThat(decoded.label()).isEqualTo(label);
        assertThat(decoded.planes()).hasSize(3 * 16 * 16);
        assertThat(new int[] {decoded.planes()[0], decoded.planes()[256], decoded.planes()[512]})
                .containsExactly(0x33, 0x66, 0x55);
    }

    @Test
    void framingIsTheModelsChoice() throws RequestException {
        byte[] record = CODEC.encode(label().build());

        byte[] padded =
                new LabeledImageDecoder(CODEC, Framing.PAD, 48).decode(record).planes();

        assertThat(padded).hasSize(3 * 48 * 48).startsWith((byte) 0x33);
    }

    @Test
    void spaceAroundNamesIsNoPartOfThem() throws RequestException {
        LabeledImage label = decoder.decode(CODEC.encode(label().setImageId(" rose/1.png\n")
                        .setSubclass("\tmoss rose ")
                        .setSuperclass("roses ")
                        .build()))
                .label();

        assertThat(label.getImageId()).isEqualTo("rose/1.png");
        assertThat(label.getSubclass()).isEqualTo("moss rose");
        assertThat(label.getSuperclass()).isEqualTo("roses");
    }

    @Test
    void bytesThatAreNoRecordAreUnreadable() {
        assertRejected(null, ReasonCode.UNREADABLE, "the record has no value");
        assertRejected("no record".getBytes(StandardCharsets.UTF_8), ReasonCode.UNREADABLE, "expected");
        byte[] request = new AvroCodec<>(GenerationRequest.class, WIRE)
                .encode(GenerationRequest.newBuilder().setRequestId("a").build());
        assertRejected(request, ReasonCode.UNREADABLE, "LabeledImage");
        byte[] whole = CODEC.encode(label().build());
        assertRejected(Arrays.copyOf(whole, whole.length - 9), ReasonCode.UNREADABLE, "LabeledImage");
    }

    @Test
    void bytesThatAreNoImageAreUnreadable() {
        byte[] png = Images.toPng(new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB));
        for (byte[] file : new byte[][] {{}, {1, 2, 3}, Arrays.copyOf(png, png.length / 2)}) {
            byte[] record = CODEC.encode(label().setImage(ByteBuffer.wrap(file)).build());
            assertRejected(record, ReasonCode.UNREADABLE, "image 'roses/moss/1.png': ");
        }
    }

    @Test
    void anImageOfAnImpossibleSizeIsInvalid() {
        byte[] small = Images.toPng(new BufferedImage(64, 7, BufferedImage.TYPE_INT_RGB));
        assertRejected(
                CODEC.encode(label().setImage(ByteBuffer.wrap(small)).build()),
                ReasonCode.INVALID,
                "image 'roses/moss/1.png': its shorter side is 7 pixels, expected at least 8");
        ByteBuffer large =
                ByteBuffer.wrap(small).putInt(16, 20_000).putInt(20, 20_000).rewind();
        assertRejected(
                CODEC.encode(label().setImage(large).build()),
                ReasonCode.INVALID,
                "the image is 20000 x 20000 pixels, expected at most");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " \t", "moss\nrose", "moss\u0000rose", "moss\u0085rose", "moss\u2028rose", "LONG"})
    void aNameThatIsNoneIsInvalid(String name) {
        String bad = name.equals("LONG") ? "m".repeat(LabeledImageDecoder.LONGEST_NAME + 1) : name;

        assertRejected(CODEC.encode(label().setSubclass(bad).build()), ReasonCode.INVALID, "the subclass ");
        assertRejected(CODEC.encode(label().setSuperclass(bad).build()), ReasonCode.INVALID, "the superclass ");
        String badId = name.equals("LONG") ? "m".repeat(LabeledImageDecoder.LONGEST_ID + 1) : name;
        assertRejected(CODEC.encode(label().setImageId(badId).build()), ReasonCode.INVALID, "the image id ");
    }

    @Test
    void aReasonIsALineOfBoundedLength() {
        byte[] record =
                CODEC.encode(label().setSubclass("a\n" + "b".repeat(100_000)).build());

        RequestException e = catchThrowableOfType(RequestException.class, () -> decoder.decode(record));

        assertThat(e).hasMessageMatching("the subclass 'a\\?b{48}…' has 100002 characters, expected at most 200; .*");
    }

    private void assertRejected(byte @Nullable [] record, ReasonCode code, String reason) {
        RequestException e = catchThrowableOfType(RequestException.class, () -> decoder.decode(record));
        assertThat(e).hasMessageContaining(reason);
        assertThat(e.code()).isEqualTo(code);
    }

    private static LabeledImage.Builder label() {
        BufferedImage image = new BufferedImage(48, 32, BufferedImage.TYPE_INT_RGB);
        for (int i = 0; i < 48 * 32; i++) {
            image.setRGB(i % 48, i / 48, 0x336655);
        }
        return LabeledImage.newBuilder()
                .setImageId("roses/moss/1.png")
                .setSuperclass("roses")
                .setSubclass("moss rose")
                .setImage(ByteBuffer.wrap(Images.toPng(image)));
    }
}
