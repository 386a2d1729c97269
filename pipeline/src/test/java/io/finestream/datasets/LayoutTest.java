package io.finestream.datasets;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LayoutTest {

    private static final String IMAGE = "{\"id\":5,\"file_name\":\"val/a/1.jpg\"}";
    private static final String ANNOTATION = "{\"image_id\":5,\"category_id\":9}";
    private static final String CATEGORY = "{\"id\":9,\"name\":\"Acer rubrum\",\"supercategory\":\"Plants\"}";

    @TempDir
    Path dir;

    @Test
    void aLayoutIsKnownByWhatIsInTheFolder() throws IOException {
        Files.createDirectories(dir.resolve("folders/roses/moss"));
        Files.writeString(dir.resolve("folders/readme.json"), "{\"images\": 1}".replace("images", "title"));
        Files.createDirectories(dir.resolve("inat/train_mini/00001_Plantae_Acer_rubrum"));
        Path json = Files.writeString(dir.resolve("inat/train_mini.json"), " {\"info\": {}");
        Files.createDirectories(dir.resolve("vegfru/fru92_images/apple"));
        Path list = Files.writeString(dir.resolve("list.txt"), "apple/1.jpg 0\n");

        assertThat(Layout.of(dir.resolve("folders"), null)).isEqualTo(Layout.FOLDERS);
        assertThat(Layout.of(dir.resolve("inat"), null)).isEqualTo(Layout.INAT2021);
        assertThat(Layout.of(dir.resolve("vegfru"), null)).isEqualTo(Layout.VEGFRU);
        assertThat(Layout.of(dir.resolve("folders"), json)).isEqualTo(Layout.INAT2021);
        assertThat(Layout.of(dir.resolve("folders"), list)).isEqualTo(Layout.VEGFRU);
    }

    @Test
    void thePartsOfAnnotationsComeInAnyOrder() throws IOException {
        Path json = annotations(ANNOTATION, CATEGORY, IMAGE);

        DataSet data = Layout.INAT2021.read(dir, json);

        assertThat(data.files()).containsExactly(new LabeledFile("a/1.jpg", "Plants", "Acer rubrum"));
        assertThat(data.root()).isEqualTo(dir); // there is no folder val in it
    }

    @Test
    void idsMayHaveGaps() throws IOException {
        Path json = annotations(IMAGE.replace("5", "40000"), ANNOTATION.replace("5", "40000"), CATEGORY);

        assertThat(Layout.INAT2021.read(dir, json).files())
                .containsExactly(new LabeledFile("a/1.jpg", "Plants", "Acer rubrum"));
    }

    @Test
    void imagesBesideTheirFolderAreFoundInIt() throws IOException {
        Files.createDirectories(dir.resolve("val"));

        DataSet data = Layout.INAT2021.read(dir, annotations(IMAGE, ANNOTATION, CATEGORY));

        assertThat(data.path(data.files().get(0))).isEqualTo(dir.resolve("val/a/1.jpg"));
    }

    @Test
    void annotationsThatDoNotFitAreRefused() throws IOException {
        assertRefused(annotations(IMAGE, ANNOTATION, ""), "has no name and supercategory for category 9");
        assertRefused(annotations(IMAGE, "", CATEGORY), "has no image with a category");
        assertRefused(annotations("{\"id\":-1}", "", CATEGORY), "has an image with the id -1, expected 0 to");
        assertRefused(annotations("{\"id\":\"x\"}", "", CATEGORY), "is no annotations of iNaturalist 2021: ");
        assertRefused(annotations("{\"id\":", "", CATEGORY), "is no annotations of iNaturalist 2021: ");
        assertRefused(
                annotations(
                        IMAGE + ",{\"id\":6,\"file_name\":\"train/a/1.jpg\"}",
                        ANNOTATION + ",{\"image_id\":6,\"category_id\":9}",
                        CATEGORY),
                "has images in val/ and in another folder, as train/a/1.jpg");
    }

    @Test
    void severalAnnotationsHaveToBeChosenFrom() throws IOException {
        Files.writeString(dir.resolve("train.json"), "{\"info\": {}}");
        Files.writeString(dir.resolve("val.json"), "{\"info\": {}}");

        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> Layout.INAT2021.read(dir, null))
                .withMessageContaining("several annotations: [train.json, val.json]; choose a file with --annotations");
    }

    @Test
    void aListOfOneTreeIsOfTheFolderThatItStartsFrom() throws IOException {
        Path tree = Files.createDirectory(dir.resolve("veg200_images"));
        Path list = Files.writeString(dir.resolve("veg_train.txt"), "amaranth/v_01_01_0001.jpg 0\n");

        assertThat(Layout.VEGFRU.read(tree, list).files())
                .containsExactly(new LabeledFile("amaranth/v_01_01_0001.jpg", "vegetables", "amaranth"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = ';',
            value = {
                "rose; is no pair, expected subclass,superclass",
                "rose,; is no pair, expected subclass,superclass",
                "a,b,c; is no pair, expected subclass,superclass",
                "MOSS,lilies; the superclass of 'MOSS' is 'lilies', but it was 'roses' before"
            })
    void aHierarchyIsMadeOfPairs(String line, String reason) throws IOException {
        Path file = Files.writeString(dir.resolve("pairs.csv"), "moss,roses\n\n" + line + "\n");
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> Hierarchy.read(file))
                .withMessageStartingWith(file + ", line 3: ")
                .withMessageContaining(reason);
    }

    @Test
    void roundsTakeOneOfEveryClass() {
        List<LabeledFile> files = List.of(file("a", 1), file("a", 2), file("a", 3), file("b", 1), file("c", 1));

        DataSet data = new DataSet(dir, files).inRounds();

        assertThat(data.files()).containsExactly(file("a", 1), file("b", 1), file("c", 1), file("a", 2), file("a", 3));
        assertThat(data.atMostPerClass(2).files())
                .containsExactly(file("a", 1), file("b", 1), file("c", 1), file("a", 2));
    }

    private static LabeledFile file(String subclass, int number) {
        return new LabeledFile(subclass + "/" + number + ".png", "all", subclass);
    }

    private void assertRefused(Path json, String reason) {
        assertThatExceptionOfType(IOException.class)
                .isThrownBy(() -> Layout.INAT2021.read(dir, json))
                .withMessageStartingWith(json.toString())
                .withMessageContaining(reason);
    }

    private Path annotations(String images, String annotations, String categories) throws IOException {
        String text = images.equals(ANNOTATION)
                ? "{\"annotations\":[%s],\"categories\":[%s],\"images\":[%s]}"
                : "{\"images\":[%s],\"annotations\":[%s],\"categories\":[%s]}";
        return Files.writeString(dir.resolve("a.json"), text.formatted(images, annotations, categories));
    }
}
