package io.finestream.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Kernels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SharedModelTest {

    @TempDir
    Path directory;

    @Test
    void slotsOfOneJvmShareOneCopyUntilTheLastIsClosed() throws IOException {
        Path model = TinyModel.write(directory, 1);
        int before = SharedModel.copies();
        SharedModel first =
                SharedModel.acquire(ModelFiles.in(model), Device.cpu(), ComputeType.FP32, Kernels.DETERMINISTIC);
        SharedModel second = SharedModel.acquire(
                ModelFiles.in(directory.resolve(".")), Device.cpu(), ComputeType.FP32, Kernels.DETERMINISTIC);
        assertThat(second.model()).isSameAs(first.model());
        assertThat(SharedModel.copies()).isEqualTo(before + 1);
        first.close();
        first.close(); // closing twice gives back one share
        assertThat(SharedModel.copies()).isEqualTo(before + 1);
        second.close();
        assertThat(SharedModel.copies()).isEqualTo(before);
    }

    @Test
    void aShareGivesAnother() throws IOException {
        ModelFiles files = ModelFiles.in(TinyModel.write(directory, 1));
        int before = SharedModel.copies();
        SharedModel first = SharedModel.acquire(files, Device.cpu(), ComputeType.FP32, Kernels.DETERMINISTIC);
        SharedModel second = first.share();
        first.close();
        assertThat(SharedModel.copies()).isEqualTo(before + 1);
        assertThatIllegalStateException().isThrownBy(first::share).withMessageContaining("is closed");
        second.close();
        assertThat(SharedModel.copies()).isEqualTo(before);
    }

    @Test
    void otherFilesOrAnotherWayToReadThemAreAnotherCopy() throws IOException {
        ModelFiles files = ModelFiles.in(TinyModel.write(directory, 1));
        Path classes = Files.copy(files.taxonomy(), directory.resolve("classes.json"));
        try (SharedModel plain = SharedModel.acquire(files, Device.cpu(), ComputeType.FP32, Kernels.DETERMINISTIC)) {
            for (ModelFiles other : List.of(
                    files.withTaxonomy(classes),
                    files.withPart(PyTorchCheckpoint.Part.MODEL),
                    files.withDiffusersNumerics())) {
                try (SharedModel another =
                        SharedModel.acquire(other, Device.cpu(), ComputeType.FP32, Kernels.DETERMINISTIC)) {
                    assertThat(another.model()).as("%s", other).isNotSameAs(plain.model());
                }
            }
        }
    }

    @Test
    void anotherArithmeticIsAnotherCopy() throws IOException {
        Path model = TinyModel.write(directory, 1);
        try (SharedModel fp32 = SharedModel.acquire(
                        ModelFiles.in(model), Device.cpu(), ComputeType.FP32, Kernels.DETERMINISTIC);
                SharedModel bf16 = SharedModel.acquire(
                        ModelFiles.in(model), Device.cpu(), ComputeType.BF16, Kernels.DETERMINISTIC)) {
            assertThat(bf16.model()).isNotSameAs(fp32.model());
            assertThat(bf16.model().baseHash()).isEqualTo(fp32.model().baseHash());
        }
    }
}
