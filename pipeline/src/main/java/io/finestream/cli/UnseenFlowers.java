package io.finestream.cli;

import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import io.finestream.tuning.ImageFolder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/** Pictures of the species that the shipped model knows, in a variation that neither it nor its classifier has seen. */
final class UnseenFlowers {

    private static final long VARIATION = 2; // of the test pictures that model-assets/README.md tells of
    private static final int SPECIES_PER_FAMILY = 20;

    private UnseenFlowers() {}

    /** Every species, family by family. */
    static List<Species> species() {
        return Stream.of(FlowerFamily.values())
                .flatMap(family -> IntStream.range(0, SPECIES_PER_FAMILY).mapToObj(index -> Species.of(family, index)))
                .toList();
    }

    /** @param count pictures of each of the species */
    static ImageFolder draw(List<Species> species, int count, int size) {
        List<String> families =
                Stream.of(FlowerFamily.values()).map(FlowerFamily::displayName).toList();
        List<Taxonomy.Subclass> classes = new ArrayList<>();
        List<List<byte[]>> pictures = new ArrayList<>();
        for (Species drawn : species) {
            classes.add(new Taxonomy.Subclass(drawn.name(), drawn.family().ordinal()));
            pictures.add(IntStream.range(0, count)
                    .mapToObj(i -> Images.toPlanes(
                            FlowerRenderer.render(drawn, FlowersCommand.imageSeed(drawn, VARIATION, i), size)))
                    .toList());
        }
        return new ImageFolder(new Taxonomy(families, classes), size, pictures);
    }
}
