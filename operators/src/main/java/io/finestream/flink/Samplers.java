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
     * @param cacheInterval of samplers that add no noise; 1 for no cache
     * @throws IllegalArgumentException if one of them is wrong or does not go with the others
     */
    public static Sampler choose(SamplerName name, double eta, String respacing, int cacheInterval) {
        Sampler plain = switch (name) {
            case DDIM -> new Sampler.Ddim(eta);
            case DDPM -> new Sampler.Ddpm();
            case DPM_SOLVER_PP -> new Sampler.DpmSolverPp();
            case UNIPC -> new Sampler.UniPc();
        };
        Sampler sampler = respacing.isEmpty() ? plain : new Sampler.Respaced(plain, Respacing.parse(respacing));
        return cacheInterval == 1 ? sampler : new Sampler.Cached(sampler, cacheInterval);
    }
}
