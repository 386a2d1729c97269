package io.finestream.datasets;

import io.finestream.dit.Taxonomy;
import io.finestream.tuning.ClassFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** How a data set lies in its folder. */
public enum Layout {

    /** A folder per superclass, in it one per subclass, in it the images. */
    FOLDERS {
        @Override
        public DataSet read(Path directory, @Nullable Path annotations) throws IOException {
            if (annotations != null) {
                throw new IOException("folders superclass/subclass/ have no annotations, but " + annotations
                        + " is given; choose another layout, or leave them out");
            }
            ClassFolders folders = ClassFolders.list(directory);
            Taxonomy taxonomy = folders.taxonomy();
            List<LabeledFile> files = new ArrayList<>();
            for (int subclass = 0; subclass < folders.files().size(); subclass++) {
                String superclass = taxonomy.superclassName(taxonomy.superclassOf(subclass));
                String name = taxonomy.subclassName(subclass);
                for (Path file : folders.files().get(subclass)) {
                    files.add(new LabeledFile(superclass + '/' + name + '/' + file.getFileName(), superclass, name));
                }
            }
            return new DataSet(directory, files);
        }
    },

    /** iNaturalist 2021: image folders, and what is in them as JSON. */
    INAT2021 {
        @Override
        public DataSet read(Path directory, @Nullable Path annotations) throws IOException {
            return INaturalist.read(
                    directory, annotations != null ? annotations : INaturalist.annotationsIn(directory));
        }
    },

    /** VegFru: a tree of image folders for vegetables and one for fruit, and lists of what belongs to which part. */
    VEGFRU {
        @Override
        public DataSet read(Path directory, @Nullable Path annotations) throws IOException {
            return VegFru.read(directory, annotations != null ? annotations : VegFru.trainingListIn(directory));
        }
    };

    /**
     * The layout of a folder, by what is in it.
     *
     * @param annotations a file that says of which class the images are, if there is one
     * @throws IOException that says what was looked for, if it is none
     */
    public static Layout of(Path directory, @Nullable Path annotations) throws IOException {
        requireFolder(directory);
        if (annotations != null) {
            return INaturalist.isAnnotations(annotations) ? INAT2021 : VEGFRU;
        }
        if (VegFru.isIn(directory)) {
            return VEGFRU;
        }
        if (INaturalist.isIn(directory)) {
            return INAT2021;
        }
        for (Path superclass : folders(directory)) {
            if (!folders(superclass).isEmpty()) {
                return FOLDERS;
            }
        }
        throw new IOException(directory.toAbsolutePath() + " is no data set; expected folders superclass/subclass/ with"
                + " images, or annotations as JSON beside them (iNaturalist 2021), or veg200_images/ or fru92_images/"
                + " (VegFru)");
    }

    /**
     * The image files of a data set, class by class.
     *
     * @param annotations a file that says of which class the images are; null: the one in the folder
     * @throws IOException if they can not be listed
     */
    public abstract DataSet read(Path directory, @Nullable Path annotations) throws IOException;

    static void requireFolder(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            throw new IOException(
                    "there is no folder " + directory.toAbsolutePath() + "; expected labeled images in it");
        }
    }

    private static List<Path> folders(Path parent) throws IOException {
        try (Stream<Path> list = Files.list(parent)) {
            return list.filter(Files::isDirectory).toList();
        }
    }
}
