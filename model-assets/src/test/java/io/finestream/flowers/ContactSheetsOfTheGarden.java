package io.finestream.flowers;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes sheets to look at: {@code target/flowers-*.png}. A main, not a test: only an eye can judge them. */
final class ContactSheetsOfTheGarden {

    private static final List<String> FAMILIES =
            Arrays.stream(FlowerFamily.values()).map(FlowerFamily::displayName).toList();

    private ContactSheetsOfTheGarden() {}

    public static void main(String[] args) throws IOException {
        Path target = Path.of("target");
        for (FlowerFamily family : FlowerFamily.values()) {
            family(family).writePng(target.resolve("flowers-" + family.displayName() + ".png"));
        }
        species(64, 16).writePng(target.resolve("flowers-64.png"));
        species(32, 16).writePng(target.resolve("flowers-32.png"));
        variations(4, 4).writePng(target.resolve("flowers-variation.png"));
        large().writePng(target.resolve("flowers-large.png"));
        System.out.printf("%.2f ms per image of 64 pixels%n", millisPerImage());
    }

    private static ContactSheet family(FlowerFamily family) {
        List<BufferedImage> images = new ArrayList<>();
        for (int i = 0; i < 24; i++) {
            images.add(FlowerRenderer.render(Species.of(family, i), i, 64));
        }
        return ContactSheet.of(images, 8, 3 * 64).withCaption("the first 24 of family " + family.displayName());
    }

    private static ContactSheet species(int size, int perFamily) {
        List<BufferedImage> images = new ArrayList<>();
        for (FlowerFamily family : FlowerFamily.values()) {
            for (int i = 0; i < perFamily; i++) {
                images.add(FlowerRenderer.render(Species.of(family, i), 1000 + images.size(), size));
            }
        }
        return ContactSheet.of(images, perFamily, 64)
                .withRowLabels(FAMILIES)
                .withCaption(perFamily + " species of each family at " + size + " pixels");
    }

    private static ContactSheet variations(int species, int imagesEach) {
        List<BufferedImage> images = new ArrayList<>();
        for (FlowerFamily family : FlowerFamily.values()) {
            for (int i = 0; i < species * imagesEach; i++) {
                images.add(FlowerRenderer.render(Species.of(family, 16 + i / imagesEach), images.size(), 64));
            }
        }
        return ContactSheet.of(images, species * imagesEach, 64)
                .withRowLabels(FAMILIES)
                .withCaption(imagesEach + " images of each of " + species + " species");
    }

    private static ContactSheet large() {
        List<BufferedImage> images = new ArrayList<>();
        for (FlowerFamily family : FlowerFamily.values()) {
            images.add(FlowerRenderer.render(Species.of(family, 0), 7, 256));
        }
        return ContactSheet.of(images, 4, 256).withCaption("species 0 of each family at 256 pixels");
    }

    private static double millisPerImage() {
        int images = 2200;
        long start = 0;
        for (int i = -images; i < images; i++) { // the first half warms up
            if (i == 0) {
                start = System.nanoTime();
            }
            FlowerFamily family = FlowerFamily.values()[Math.floorMod(i, FlowerFamily.values().length)];
            FlowerRenderer.render(Species.of(family, Math.floorMod(i, 50)), i, 64);
        }
        return (System.nanoTime() - start) / 1e6 / images;
    }
}
