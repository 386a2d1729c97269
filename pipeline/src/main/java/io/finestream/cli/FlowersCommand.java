package io.finestream.cli;

import io.finestream.codec.Images;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "flowers",
        mixinStandardHelpOptions = true,
        description = "Draws the flowers that the shipped model is trained on, as a folder family/species/image.",
        footer = {"", "Example:", "  finestream flowers --out flowers --species 20 --images 50"})
final class FlowersCommand implements Callable<Integer> {

    @Option(names = "--out", required = true, paramLabel = "DIR", description = "folder to write to")
    private Path out = Path.of("flowers");

    @Option(names = "--species", paramLabel = "N", description = "species per family (default ${DEFAULT-VALUE})")
    private int species = 20;

    @Option(names = "--first", paramLabel = "N", description = "number of the first species (default ${DEFAULT-VALUE})")
    private int first = 0;

    @Option(names = "--images", paramLabel = "N", description = "images per species (default ${DEFAULT-VALUE})")
    private int images = 64;

    @Option(names = "--size", paramLabel = "PIXELS", description = "width and height (default ${DEFAULT-VALUE})")
    private int size = 64;

    @Option(names = "--seed", paramLabel = "N", description = "seed of the variation (default ${DEFAULT-VALUE})")
    private long seed = 1;

    @Option(
            names = "--cutouts",
            description = "leave the background out: PNGs whose alpha is what the flower covers, for train-classifier")
    private boolean cutOuts;

    @Override
    public Integer call() throws IOException {
        List<FlowerFamily> all = List.of(FlowerFamily.values());
        try (ProgressBar bar = Progress.bar("drawing", (long) all.size() * species * images)) {
            for (FlowerFamily family : all) {
                for (int index = first; index < first + species; index++) {
                    Species drawn = Species.of(family, index);
                    Path folder = Files.createDirectories(
                            out.resolve(family.displayName()).resolve(drawn.name()));
                    for (int i = 0; i < images; i++) {
                        byte[] png = Images.toPng(draw(drawn, imageSeed(drawn, seed, i)));
                        Files.write(folder.resolve("%05d.png".formatted(i)), png);
                        bar.step();
                    }
                }
            }
        }
        return 0;
    }

    /** Of picture {@code i} of a species, in the variation {@code seed}. */
    static long imageSeed(Species drawn, long seed, int i) {
        return seed * 1_000_000_007L + (drawn.index() * 1_000L + drawn.family().ordinal()) * 100_000L + i;
    }

    private BufferedImage draw(Species drawn, long imageSeed) {
        BufferedImage picture = FlowerRenderer.render(drawn, imageSeed, size);
        return cutOuts ? withAlpha(picture, FlowerRenderer.mask(drawn, imageSeed, size)) : picture;
    }

    /** The colours stay as they are, those of the hidden pixels too: at the edge, flower and background are mixed. */
    private static BufferedImage withAlpha(BufferedImage picture, BufferedImage mask) {
        BufferedImage cutOut = new BufferedImage(picture.getWidth(), picture.getHeight(), BufferedImage.TYPE_INT_ARGB);
        for (int y = 0; y < picture.getHeight(); y++) {
            for (int x = 0; x < picture.getWidth(); x++) {
                int alpha = mask.getRaster().getSample(x, y, 0);
                cutOut.setRGB(x, y, alpha << 24 | picture.getRGB(x, y) & 0xffffff);
            }
        }
        return cutOut;
    }
}
