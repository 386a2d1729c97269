package io.finestream.flowers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowerRendererTest {

    private static final int SIZE = 32;

    @ParameterizedTest
    @EnumSource
    void equalSeedsGiveEqualPixels(FlowerFamily family) {
        Species species = Species.of(family, 5);
        assertThat(pixels(FlowerRenderer.render(species, 42, SIZE)))
                .isEqualTo(pixels(FlowerRenderer.render(species, 42, SIZE)));
    }

    @ParameterizedTest
    @EnumSource
    void differentSeedsGiveDifferentPixels(FlowerFamily family) {
        Species species = Species.of(family, 5);
        assertThat(LongStream.range(0, 20)
                        .mapToObj(seed -> Arrays.hashCode(pixels(FlowerRenderer.render(species, seed, SIZE)))))
                .doesNotHaveDuplicates();
    }

    @Test
    void familiesDifferOnTheSameBackground() {
        assertThat(Arrays.stream(FlowerFamily.values())
                        .map(family -> pixels(FlowerRenderer.render(Species.of(family, 0), 1, SIZE)))
                        .map(Arrays::hashCode))
                .doesNotHaveDuplicates();
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 32, 33, 64, 256})
    void theSizeIsHonoured(int size) {
        BufferedImage image = FlowerRenderer.render(Species.of(FlowerFamily.LOTUS, 1), 0, size);
        assertThat(image.getWidth()).isEqualTo(size);
        assertThat(image.getHeight()).isEqualTo(size);
        assertThat(image.getType()).isEqualTo(BufferedImage.TYPE_INT_RGB);
    }

    @Test
    void aLargePictureShrinksToTheSmallOne() {
        Species species = Species.of(FlowerFamily.ROSE, 0);
        int[] small = pixels(FlowerRenderer.render(species, 3, SIZE));
        int[] shrunk = pixels(BoxFilter.shrink(FlowerRenderer.render(species, 3, 4 * SIZE), 4));
        double[] difference = IntStream.range(0, SIZE * SIZE)
                .mapToDouble(i -> Tint.rgb(small[i]).distanceTo(Tint.rgb(shrunk[i])))
                .toArray();
        assertThat(Arrays.stream(difference).average().orElseThrow()).isLessThan(4);
    }

    @ParameterizedTest
    @ValueSource(ints = {8, 33, 64})
    void aMaskHasTheSizeOfItsPicture(int size) {
        BufferedImage mask = FlowerRenderer.mask(Species.of(FlowerFamily.LILY, 1), 0, size);
        assertThat(mask.getWidth()).isEqualTo(size);
        assertThat(mask.getHeight()).isEqualTo(size);
        assertThat(mask.getType()).isEqualTo(BufferedImage.TYPE_BYTE_GRAY);
    }

    @Test
    void backgroundsOfASpeciesVaryInHue() {
        Species species = Species.of(FlowerFamily.DAISY, 0);
        List<Tint> corners = LongStream.range(0, 200)
                .mapToObj(seed -> upperCorner(species, seed))
                .toList();
        assertThat(corners.stream().filter(tint -> tint.red() > tint.blue()).count() / 200.0)
                .isCloseTo(0.5, within(0.15));
        assertThat(corners.stream().filter(tint -> tint.green() > tint.red()).count() / 200.0)
                .isCloseTo(0.5, within(0.15));
    }

    @ParameterizedTest
    @ValueSource(ints = {-1, 0, 7, 2049})
    void aSizeOutOfRangeIsRejected(int size) {
        Species species = Species.of(FlowerFamily.DAISY, 0);
        assertThatThrownBy(() -> FlowerRenderer.render(species, 0, size))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("size is " + size + " pixels, expected 8..2048");
        assertThatThrownBy(() -> FlowerRenderer.mask(species, 0, size)).isInstanceOf(IllegalArgumentException.class);
    }

    private static Tint upperCorner(Species species, long seed) {
        return Tint.rgb(FlowerRenderer.render(species, seed, SIZE).getRGB(SIZE - 1, 0));
    }

    private static int[] pixels(BufferedImage image) {
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }
}
