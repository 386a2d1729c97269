package io.finestream.versions;

import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.schemas.TaxonomyEntry;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.List;
import java.util.Random;

/** Whole tensors and commit records without an engine. */
final class SliceOf {

    static final String BASE = "ba5e".repeat(16);

    private SliceOf() {}

    /** A tensor with random values. */
    static ParameterSlice tensor(String name, long... shape) {
        long size = ParameterSlices.rows(shape) * ParameterSlices.bytesPerRow(shape);
        byte[] data = new byte[(int) size];
        new Random(size).nextBytes(data);
        return ParameterSlices.slice(0, name, shape, 0, ParameterSlices.rows(shape), ByteBuffer.wrap(data));
    }

    /** With {@code rows} more, which are zero. */
    static ParameterSlice grown(ParameterSlice tensor, int rows) {
        long[] shape = ParameterSlices.shape(tensor);
        shape[0] += rows;
        ByteBuffer data = ByteBuffer.allocate((int) (shape[0] * ParameterSlices.bytesPerRow(shape)));
        data.put(tensor.getData().duplicate()).rewind();
        return ParameterSlices.slice(0, tensor.getTensor(), shape, 0, shape[0], data);
    }

    static ParameterSlice copy(ParameterSlice tensor) {
        return grown(tensor, 0);
    }

    static void set(ParameterSlice tensor, int index, float value) {
        tensor.getData().order(ByteOrder.LITTLE_ENDIAN).putFloat(index * Float.BYTES, value);
    }

    static ParameterVersion commit(long version, int slices, TaxonomyEntry... added) {
        return ParameterVersion.newBuilder()
                .setVersion(version)
                .setParent(version == 1 ? null : version - 1)
                .setBaseModelHash(BASE)
                .setTaxonomyDelta(List.of(added))
                .setStep(version * 100)
                .setSlices(slices)
                .setCreatedAt(Instant.EPOCH)
                .setPublisher("test")
                .build();
    }
}
