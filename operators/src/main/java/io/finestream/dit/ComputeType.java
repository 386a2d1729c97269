package io.finestream.dit;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.torch.TorchOps;
import java.util.Locale;

/** Arithmetic of the transformer blocks. Embeddings, guidance and samplers are float32 in any case. */
public enum ComputeType {
    FP32 {
        @Override
        public NDArray cast(TorchOps ops, NDManager m, NDArray x) {
            return x;
        }
    },
    /** bfloat16: twice the speed and half the memory, three significant digits. */
    BF16 {
        @Override
        public NDArray cast(TorchOps ops, NDManager m, NDArray x) {
            return ops.toBfloat16(m, x);
        }
    };

    public abstract NDArray cast(TorchOps ops, NDManager m, NDArray x);

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
