package io.finestream.datasets;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.finestream.dit.Taxonomy;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The annotations of iNaturalist 2021, in the format of COCO (visipedia/inat_comp@137846b, {@code 2021/README.md}). The
 * file of the full training set describes 2.7 million images; it is read once, in any order of its parts.
 */
final class INaturalist {

    private static final Set<String> PARTS = Set.of("info", "images", "categories", "annotations", "licenses");
    private static final int MOST_IMAGES = 50_000_000; // an image's id is its place in two arrays
    private static final JsonMapper JSON = JsonMapper.builder(JsonFactory.builder()
                    .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
                    .build()) // unknown latitudes
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();

    private record Image(
            int id, @JsonProperty("file_name") @Nullable String fileName) {}

    private record Annotation(
            @JsonProperty("image_id") int imageId,
            @JsonProperty("category_id") int categoryId) {}

    private record Category(
            int id, @Nullable String name, @Nullable String supercategory) {}

    private final Path json;
    private final Map<Integer, Category> categories = new HashMap<>();
    private @Nullable String[] fileOf = new String[1024]; // by image id
    private int[] categoryOf = new int[1024]; // by image id, plus one; 0: none is known

    private INaturalist(Path json) {
        this.json = json;
    }

    /** Whether annotations lie in the folder. */
    static boolean isIn(Path directory) throws IOException {
        return !annotationFiles(directory).isEmpty();
    }

    /** @throws IOException if there are none, or several */
    static Path annotationsIn(Path directory) throws IOException {
        Layout.requireFolder(directory);
        List<Path> files = annotationFiles(directory);
        if (files.size() != 1) {
            throw new IOException("%s has %s; choose a file with --annotations"
                    .formatted(
                            directory.toAbsolutePath(),
                            files.isEmpty()
                                    ? "no annotations of iNaturalist 2021, expected one as train_mini.json"
                                    : "several annotations: "
                                            + files.stream()
                                                    .map(Path::getFileName)
                                                    .toList()));
        }
        return files.get(0);
    }

    private static List<Path> annotationFiles(Path directory) throws IOException {
        List<Path> files = new ArrayList<>();
        try (Stream<Path> list = Files.list(directory)) {
            for (Path file :
                    list.filter(f -> f.toString().endsWith(".json")).sorted().toList()) {
                if (isAnnotations(file)) {
                    files.add(file);
                }
            }
        }
        return files;
    }

    /** Whether the file begins as annotations do. */
    static boolean isAnnotations(Path file) throws IOException {
        try (JsonParser parser = JSON.createParser(Files.newInputStream(file))) {
            return parser.nextToken() == JsonToken.START_OBJECT
                    && PARTS.contains(String.valueOf(parser.nextFieldName()));
        } catch (JsonProcessingException e) {
            return false;
        }
    }

    /**
     * Reads the annotations: the subclass is a category's name, the superclass its supercategory.
     *
     * @param directory with the folder that the file names begin with, or that folder itself
     * @throws IOException if the file is no such annotations, or no image in it has a category
     */
    static DataSet read(Path directory, Path json) throws IOException {
        Layout.requireFolder(directory);
        return annotations(json).dataSet(directory);
    }

    private static INaturalist annotations(Path json) throws IOException {
        INaturalist annotations = new INaturalist(json);
        try (JsonParser parser = JSON.createParser(Files.newInputStream(json))) {
            annotations.read(parser);
        } catch (JsonProcessingException e) {
            throw new IOException(
                    json + " is no annotations of iNaturalist 2021: " + e.getOriginalMessage() + ", at line "
                            + e.getLocation().getLineNr() + ", column "
                            + e.getLocation().getColumnNr(),
                    e);
        }
        return annotations;
    }

    /** The categories in the order of their ids, which is that of a model's label rows. */
    static List<Taxonomy.ClassName> classes(Path json) throws IOException {
        INaturalist annotations = annotations(json);
        List<Taxonomy.ClassName> classes = new ArrayList<>();
        for (int id = 0; id < annotations.categories.size(); id++) {
            LabeledFile first = annotations.labeled("", id);
            classes.add(new Taxonomy.ClassName(first.superclass(), first.subclass()));
        }
        return classes;
    }

    private void read(JsonParser parser) throws IOException {
        if (parser.nextToken() != JsonToken.START_OBJECT) {
            throw new IOException(json + " is no annotations of iNaturalist 2021, expected a JSON object");
        }
        for (String part = parser.nextFieldName(); part != null; part = parser.nextFieldName()) {
            parser.nextToken();
            switch (part) {
                case "images" -> each(parser, Image.class, this::add);
                case "annotations" -> each(parser, Annotation.class, this::add);
                case "categories" -> each(parser, Category.class, category -> categories.put(category.id(), category));
                default -> parser.skipChildren();
            }
        }
    }

    private interface Consumer<T> {
        void accept(T value) throws IOException;
    }

    private static <T> void each(JsonParser parser, Class<T> type, Consumer<T> consumer) throws IOException {
        ObjectReader reader = JSON.readerFor(type);
        while (parser.nextToken() == JsonToken.START_OBJECT) {
            consumer.accept(reader.readValue(parser));
        }
    }

    private void add(Image image) throws IOException {
        makeRoomFor(image.id());
        fileOf[image.id()] = image.fileName();
    }

    private void add(Annotation annotation) throws IOException {
        makeRoomFor(annotation.imageId());
        categoryOf[annotation.imageId()] = annotation.categoryId() + 1;
    }

    private void makeRoomFor(int imageId) throws IOException {
        if (imageId < 0 || imageId >= MOST_IMAGES) {
            throw new IOException(json + " has an image with the id " + imageId + ", expected 0 to " + (MOST_IMAGES - 1)
                    + ", as in iNaturalist 2021");
        }
        if (imageId >= fileOf.length) {
            int length = Math.max(imageId + 1, 2 * fileOf.length);
            fileOf = Arrays.copyOf(fileOf, length);
            categoryOf = Arrays.copyOf(categoryOf, length);
        }
    }

    /** The files without the folder that all of them are in, as {@code train_mini/}: it is not in every copy. */
    private DataSet dataSet(Path directory) throws IOException {
        List<LabeledFile> files = new ArrayList<>();
        String folder = null;
        for (int id = 0; id < fileOf.length; id++) {
            String file = fileOf[id];
            if (file == null || categoryOf[id] == 0) {
                continue;
            }
            if (folder == null) {
                folder = file.substring(0, file.indexOf('/') + 1);
            }
            if (!file.startsWith(folder)) {
                throw new IOException(json + " has images in " + folder + " and in another folder, as " + file
                        + "; give the annotations of one part, as train_mini.json");
            }
            files.add(labeled(file.substring(folder.length()), categoryOf[id] - 1));
        }
        if (folder == null) {
            throw new IOException(json + " has no image with a category; expected annotations of training images, as"
                    + " train_mini.json");
        }
        Path parent = directory.resolve(folder);
        return new DataSet(Files.isDirectory(parent) ? parent : directory, files);
    }

    private LabeledFile labeled(String file, int categoryId) throws IOException {
        Category category = categories.get(categoryId);
        String name = category == null ? null : category.name();
        String supercategory = category == null ? null : category.supercategory();
        if (name == null || supercategory == null) {
            throw new IOException(json + " has no name and supercategory for category " + categoryId);
        }
        return new LabeledFile(file, supercategory, name);
    }
}
