package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.Golden;
import io.finestream.codec.PixelCodec;
import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LatentsTest {

    private static final int SIDE = 2;
    private static final Golden GOLDEN = new Golden();

    @AfterAll
    static void close() {
        GOLDEN.close();
    }

    @Test
    void everyImageIsEncodedInItsPlaceHoweverManyThereAre() {
        Latents latents = Latents.encode(GOLDEN.manager, new PixelCodec(), images(), false);
        assertThat(latents.size()).isEqualTo(3 * SIDE * SIDE);
        assertThat(latents.bySubclass()).hasSize(2);
        assertThat(latents.bySubclass().get(1)).hasSize(40);
        for (int i = 0; i < 40; i++) {
            assertThat(latents.bySubclass().get(1).get(i)[0]).isEqualTo((100 + i) / 127.5f - 1);
        }
    }

    @Test
    void mirroredImagesAreAddedWhereAsked() {
        Latents latents = Latents.encode(GOLDEN.manager, new PixelCodec(), images(), true);
        assertThat(latents.bySubclass().get(1)).hasSize(80);
        float[] straight = latents.bySubclass().get(1).get(7);
        float[] mirrored = latents.bySubclass().get(1).get(47);
        assertThat(straight[0]).isLessThan(straight[1]);
        assertThat(mirrored).startsWith(straight[1], straight[0], straight[3], straight[2]);
    }

    @Test
    void whatWasEncodedIsFoundAgainByItsKeyOnly(@TempDir Path dir) throws IOException {
        Path file = dir.resolve("latents.safetensors");
        Latents latents = Latents.encode(GOLDEN.manager, new PixelCodec(), images(), false);
        assertThat(Latents.load(GOLDEN.ops, GOLDEN.manager, file, "k", images().taxonomy()))
                .isEmpty();
        latents.save(GOLDEN.manager, file, "k");
        Latents found = Latents.load(GOLDEN.ops, GOLDEN.manager, file, "k", images().taxonomy())
                .orElseThrow();
        for (int subclass = 0; subclass < 2; subclass++) {
            assertThat(found.bySubclass().get(subclass).toArray())
                    .isEqualTo(latents.bySubclass().get(subclass).toArray());
        }
        assertThat(Latents.load(GOLDEN.ops, GOLDEN.manager, file, "other", images().taxonomy()))
                .isEmpty();
    }

    @Test
    void digestChangesWithAnyPixel() {
        String digest = images().digest();
        ImageFolder changed = images();
        assertThat(changed.digest()).isEqualTo(digest);
        changed.images().get(1).get(39)[11]++;
        assertThat(changed.digest()).isNotEqualTo(digest);
    }

    /** Two subclasses of 3 and 40 images; the left column is a little darker than the right. */
    private static ImageFolder images() {
        Taxonomy taxonomy =
                new Taxonomy(List.of("a"), List.of(new Taxonomy.Subclass("a0", 0), new Taxonomy.Subclass("a1", 0)));
        List<List<byte[]>> images = new ArrayList<>();
        int[] counts = {3, 40};
        for (int subclass = 0; subclass < counts.length; subclass++) {
            List<byte[]> ofClass = new ArrayList<>();
            for (int i = 0; i < counts[subclass]; i++) {
                byte[] planes = new byte[3 * SIDE * SIDE];
                for (int k = 0; k < planes.length; k++) {
                    planes[k] = (byte) (100 * subclass + i + k % SIDE);
                }
                ofClass.add(planes);
            }
            images.add(ofClass);
        }
        return new ImageFolder(taxonomy, SIDE, images);
    }
}
