package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.finestream.TinyModel;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelChoiceTest {

    @TempDir
    Path folder;

    @Test
    void whatIsSentToAnotherMachineMeansTheSameFilesThere() throws Exception {
        Path model = TinyModel.write(folder.resolve("model"), 1);
        ModelChoice sent = new ModelChoice(
                model.toString(),
                folder.resolve("other.pt").toString(),
                folder.resolve("classes.json").toString(),
                folder.resolve("vae").toString(),
                folder.resolve("adapter.safetensors").toString(),
                PyTorchCheckpoint.Part.MODEL,
                true);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
            out.writeObject(sent);
        }
        try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
            ModelChoice received = (ModelChoice) in.readObject();
            assertThat(received.locate())
                    .isEqualTo(new ModelFiles(
                            model.resolve("config.json"),
                            folder.resolve("classes.json"),
                            folder.resolve("other.pt"),
                            folder.resolve("vae"),
                            folder.resolve("adapter.safetensors"),
                            PyTorchCheckpoint.Part.MODEL,
                            true));
        }
    }

    @Test
    void whatIsNotSaidIsTheModelsOwn() throws Exception {
        Path model = TinyModel.write(folder.resolve("model"), 1);
        assertThat(ModelChoice.of(model.toString()).locate()).isEqualTo(ModelFiles.in(model));
        assertThatExceptionOfType(WeightsException.class)
                .isThrownBy(() -> ModelChoice.of("nowhere").locate())
                .withMessageContaining("there is no model 'nowhere'");
    }
}
