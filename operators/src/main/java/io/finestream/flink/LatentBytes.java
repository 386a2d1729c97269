package io.finestream.flink;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Latents as records hold them: little-endian float32. */
final class LatentBytes {

    private LatentBytes() {}

    static ByteBuffer of(float[] latent) {
        ByteBuffer bytes = ByteBuffer.allocate(latent.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(latent);
        return bytes;
    }

    static float[] floats(ByteBuffer latent) {
        ByteBuffer bytes = latent.duplicate().order(ByteOrder.LITTLE_ENDIAN);
        float[] values = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(values);
        return values;
    }
}
