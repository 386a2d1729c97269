package io.finestream.diffusion;

import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.torch.TorchOps;

/**
 * A network with what is needed to sample from it.
 *
 * @param ops the engine's functions on the network's device
 * @param dit the network
 * @param schedule the noise levels that it was trained on
 * @param prediction what it predicts
 */
public record DiffusionModel(TorchOps ops, DiT dit, NoiseSchedule schedule, PredictionType prediction) {

    public DiTConfig config() {
        return dit.config();
    }

    /** The same with another state of the network. */
    public DiffusionModel with(DiT other) {
        return new DiffusionModel(ops, other, schedule, prediction);
    }
}
