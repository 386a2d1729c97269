package io.finestream.diffusion;

/**
 * A way from noise to image as a list of steps that are linear in the latent, the prediction and fresh noise. A sampler
 * holds no state: what a step needs is in its {@link SamplingPlan.Step}, so that rows at different steps of different
 * samplers are computed together.
 */
public sealed interface Sampler {

    /** Denoising diffusion implicit models (arXiv 2010.02502). */
    record Ddim(double eta) implements Sampler {
        /** @param eta 0 deterministic, 1 as noisy as DDPM */
        public Ddim {
            if (!(eta >= 0 && eta <= 1)) {
                throw new IllegalArgumentException("eta is " + eta + ", expected 0 to 1");
            }
        }

        @Override
        public int[] timesteps(NoiseSchedule schedule, int steps) {
            return schedule.stridedTimesteps(steps);
        }

        @Override
        public SamplingPlan.Step step(int t, double alphaBar, double previousAlphaBar, double floorLogVariance) {
            double sigma = eta
                    * Math.sqrt((1 - previousAlphaBar) / (1 - alphaBar))
                    * Math.sqrt(1 - alphaBar / previousAlphaBar);
            double x0FromX = 1 / Math.sqrt(alphaBar);
            double x0FromEps = -Math.sqrt(1 / alphaBar - 1);
            double direction = Math.sqrt(1 - previousAlphaBar - sigma * sigma);
            double logVariance = sigma > 0 ? 2 * Math.log(sigma) : 0;
            return new SamplingPlan.Step(
                    t,
                    Math.sqrt(previousAlphaBar) * x0FromX,
                    Math.sqrt(previousAlphaBar) * x0FromEps + direction,
                    logVariance,
                    logVariance,
                    sigma > 0);
        }
    }

    /**
     * Ancestral sampling with the learned variance (arXiv 2006.11239 and 2102.09672), as {@code p_sample} of DiT with
     * {@code clip_denoised=False}.
     */
    record Ddpm() implements Sampler {
        @Override
        public int[] timesteps(NoiseSchedule schedule, int steps) {
            return schedule.evenTimesteps(steps);
        }

        @Override
        public SamplingPlan.Step step(int t, double alphaBar, double previousAlphaBar, double floorLogVariance) {
            Posterior q = Posterior.of(alphaBar, previousAlphaBar);
            double x0FromX = 1 / Math.sqrt(alphaBar);
            double x0FromEps = -Math.sqrt(1 / alphaBar - 1);
            boolean last = previousAlphaBar == 1;
            return new SamplingPlan.Step(
                    t,
                    q.meanFromX0() * x0FromX + q.meanFromX(),
                    q.meanFromX0() * x0FromEps,
                    last ? floorLogVariance : Math.log(q.variance()),
                    Math.log(q.beta()),
                    !last);
        }
    }

    /** The timesteps of a trajectory of {@code steps} steps, ascending: the last one is visited first. */
    int[] timesteps(NoiseSchedule schedule, int steps);

    /**
     * The step from ᾱ to the next cleaner level.
     *
     * @param previousAlphaBar ᾱ of the next cleaner timestep of this trajectory; 1 for the last step
     * @param floorLogVariance log of the posterior variance that stands in for the last step's, which is 0
     */
    SamplingPlan.Step step(int t, double alphaBar, double previousAlphaBar, double floorLogVariance);
}
