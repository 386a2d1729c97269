package io.finestream;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiTParameters;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import io.finestream.torch.TorchOps;
import io.finestream.versions.ParameterSlices;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Versions of a {@link TinyModel}, as a fine-tuning job would make them: its label tables, biases and norms moved. */
public final class TinyVersions {

    private final Path model;
    private final String base;

    public TinyVersions(Path model) {
        this.model = model;
        try (GenerativeModel loaded = GenerativeModel.load(model, Device.cpu(), ComputeType.FP32)) {
            base = loaded.baseHash();
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    /**
     * A version, whole. The same number gives the same tensors.
     *
     * @param added classes that it has beyond the model's
     */
    public LiveVersion version(long number, Taxonomy.ClassName... added) {
        List<ParameterSlice> tensors = new ArrayList<>();
        try (GenerativeModel loaded = GenerativeModel.load(model, Device.cpu(), ComputeType.FP32);
                NDManager m = TorchOps.newManager(Device.cpu())) {
            m.getEngine().setRandomSeed((int) number);
            Taxonomy taxonomy = loaded.taxonomy().plus(List.of(added));
            Map<String, NDArray> copies = new LinkedHashMap<>();
            loaded.parameters()
                    .forEach((name, values) -> copies.put(name, m.create(values.toFloatArray(), values.getShape())));
            DiTParameters.grow(m, copies, loaded.config().dit(), taxonomy).forEach((name, values) -> {
                if (name.endsWith(".bias") || name.contains("norm") || name.contains("_table")) {
                    NDArray noise = m.randomNormal(0f, 0.2f, values.getShape(), DataType.FLOAT32);
                    tensors.add(ParameterSlices.whole(number, name, values.add(noise)));
                }
            });
        } catch (IOException e) {
            throw new AssertionError(e);
        }
        List<TaxonomyEntry> classes = new ArrayList<>();
        for (Taxonomy.ClassName name : added) {
            classes.add(new TaxonomyEntry(name.superclass(), name.subclass()));
        }
        return LiveVersion.newBuilder()
                .setCommit(commit(number, tensors.size(), classes))
                .setNextOffset(1_000 * number)
                .setAddedClasses(classes)
                .setTensors(tensors)
                .build();
    }

    /** A commit record. */
    public ParameterVersion commit(long number, int slices, List<TaxonomyEntry> added) {
        return ParameterVersion.newBuilder()
                .setVersion(number)
                .setParent(number == 1 ? null : number - 1)
                .setBaseModelHash(base)
                .setTaxonomyDelta(added)
                .setStep(100 * number)
                .setSlices(slices)
                .setCreatedAt(Instant.EPOCH)
                .setPublisher("test")
                .build();
    }
}
