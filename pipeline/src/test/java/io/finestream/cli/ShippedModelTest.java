package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import io.finestream.dit.ComputeType;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.Species;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** The model that is in the jar, found by its name alone. */
class ShippedModelTest {

    @Test
    void isFoundByNameAndKnowsTheFlowersItWasTrainedOn() throws IOException {
        Path directory = ModelDirectory.locate("flowers");
        try (GenerativeModel model = GenerativeModel.load(directory, Device.cpu(), ComputeType.FP32)) {
            assertThat(model.taxonomy().superclasses()).hasSize(FlowerFamily.values().length);
            for (FlowerFamily family : FlowerFamily.values()) {
                int subclass = model.taxonomy().subclass(Species.of(family, 3).name());
                int superclass = model.taxonomy().superclassOf(subclass);
                assertThat(model.taxonomy().superclassName(superclass)).isEqualTo(family.displayName());
            }
        }
    }

    @Test
    void aDamagedCopyIsReplaced() throws IOException {
        Path weights = ModelDirectory.locate("flowers").resolve(GenerativeModel.WEIGHTS);
        byte[] whole = Files.readAllBytes(weights);
        Path other = Files.createTempFile("weights", ".safetensors");
        Files.write(other, new byte[10]);
        Files.move(other, weights, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertThat(ModelDirectory.locate("flowers").resolve(GenerativeModel.WEIGHTS))
                .hasBinaryContent(whole);
    }

    @Test
    void aNameThatShipsNoModelIsRefused() {
        assertThatThrownBy(() -> ModelDirectory.locate("flowerz"))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("'flowerz'")
                .hasMessageContaining("neither a directory");
    }
}
