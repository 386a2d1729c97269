package io.finestream.flink;

import io.finestream.diffusion.Respacing;
import io.finestream.diffusion.Sampler;
import io.finestream.schemas.SamplerName;

/** Samplers as requests name them. */
public final class Samplers {

    private Samplers() {}

    /**
     * The sampler of a request.
     *
     * @param eta of DDIM
     * @param respacing of DDIM and DDPM; empty for none
     * @throws IllegalArgumentException if one of them is wrong or does not go with the others
     */
    public static Sampler choose(SamplerName name, double eta, String respacing) {
        Sampler sampler = switch (name) {
            case DDIM -> new Sampler.Ddim(eta);
            case DDPM -> new Sampler.Ddpm();
            case DPM_SOLVER_PP -> new Sampler.DpmSolverPp();
            case UNIPC -> new Sampler.UniPc();
        };
        return respacing.isEmpty() ? sampler : new Sampler.Respaced(sampler, Respacing.parse(respacing));
    }
}
