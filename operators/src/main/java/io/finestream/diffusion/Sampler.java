package io.finestream.diffusion;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A way from noise to image as a list of steps that are linear in the latent, the prediction, what earlier steps have
 * predicted, and fresh noise. A sampler holds no state: what a step needs is in its {@link SamplingPlan.Step} and in its
 * trajectory, so that rows at different steps of different samplers are computed together.
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
        public SamplingPlan.Step step(NoiseLevels levels, int i) {
            double alphaBar = levels.alphaBar()[i];
            double nextAlphaBar = levels.alphaBar()[i + 1];
            double sigma =
                    eta * Math.sqrt((1 - nextAlphaBar) / (1 - alphaBar)) * Math.sqrt(1 - alphaBar / nextAlphaBar);
            Linear next = Linear.x0(alphaBar)
                    .times(Math.sqrt(nextAlphaBar))
                    .plus(Linear.EPS.times(Math.sqrt(1 - nextAlphaBar - sigma * sigma)));
            double logVariance = sigma > 0 ? 2 * Math.log(sigma) : 0;
            return SamplingPlan.Step.ofOne(levels.t()[i], next, logVariance, logVariance, sigma > 0);
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
        public SamplingPlan.Step step(NoiseLevels levels, int i) {
            Posterior q = posterior(levels, i);
            Linear next = Linear.x0(levels.alphaBar()[i]).times(q.meanFromX0()).plus(Linear.X.times(q.meanFromX()));
            boolean last = levels.isLast(i);
            double logVariance = last ? floorLogVariance(levels) : Math.log(q.variance());
            return SamplingPlan.Step.ofOne(levels.t()[i], next, logVariance, Math.log(q.beta()), !last);
        }

        /** Stands in for the last step's variance, which is 0: that of the step before. */
        private static double floorLogVariance(NoiseLevels levels) {
            int n = levels.steps();
            return Math.log(n > 1 ? posterior(levels, n - 2).variance() : 1 - levels.alphaBar()[0]);
        }

        private static Posterior posterior(NoiseLevels levels, int i) {
            return Posterior.of(levels.alphaBar()[i], levels.alphaBar()[i + 1]);
        }
    }

    /**
     * DPM-Solver++(2M), the midpoint form (arXiv 2211.01095, algorithm 2), as diffusers v0.15.0 has it: the first step is
     * of first order, and of a trajectory of less than 15 steps so is the last.
     */
    record DpmSolverPp() implements Sampler {
        private static final int SHORT = 15;
        private static final Linear PREVIOUS_X0 = Linear.kept(0);

        @Override
        public int[] timesteps(NoiseSchedule schedule, int steps) {
            return schedule.evenTimestepsAboveZero(steps);
        }

        @Override
        public double endAlphaBar(NoiseSchedule schedule) {
            return schedule.alphaBars()[0];
        }

        @Override
        public SamplingPlan.Step step(NoiseLevels levels, int i) {
            Linear x0 = Linear.x0(levels.alphaBar()[i]);
            double gain = -levels.alpha(i + 1) * Math.expm1(-levels.h(i));
            Linear next = Linear.X.times(levels.sigma(i + 1) / levels.sigma(i)).plus(x0.times(gain));
            boolean firstOrder = i == 0 || (levels.isLast(i) && levels.steps() < SHORT);
            if (!firstOrder) {
                double r = levels.h(i - 1) / levels.h(i);
                next = next.plus(x0.minus(PREVIOUS_X0).times(gain / (2 * r)));
            }
            return SamplingPlan.Step.ofMany(levels.t()[i], next, x0);
        }
    }

    /**
     * UniPC of second order with B(h) = e^h − 1 on predictions of x_0 (arXiv 2302.04867, algorithms 5 to 8), as diffusers
     * v0.15.0 has it: the first and the last predictor are of first order.
     *
     * <p>A step corrects the latent that it finds, by the prediction there, and predicts the next from that. Both leave
     * the same point and share its terms. The corrector's terms of the past, all but its last, are carried from the step
     * before as one tensor, so that a trajectory keeps two.
     */
    record UniPc() implements Sampler {
        private static final Linear PREVIOUS_X0 = Linear.kept(0);
        private static final Linear CARRIED = Linear.kept(1);

        @Override
        public int[] timesteps(NoiseSchedule schedule, int steps) {
            return schedule.evenTimestepsAboveZero(steps);
        }

        @Override
        public double endAlphaBar(NoiseSchedule schedule) {
            return schedule.alphaBars()[0];
        }

        @Override
        public SamplingPlan.Step step(NoiseLevels levels, int i) {
            Linear x0 = Linear.x0(levels.alphaBar()[i]);
            Linear corrected =
                    i == 0 ? Linear.X : CARRIED.plus(x0.times(gain(levels, i - 1) * ofNewest(levels, i - 1)));
            double gain = gain(levels, i);
            Linear base = corrected.times(levels.sigma(i + 1) / levels.sigma(i)).plus(x0.times(gain));
            Linear next = base;
            Linear carried = base.minus(x0.times(gain * ofNewest(levels, i)));
            if (isSecondOrder(levels, i)) {
                Linear slope = PREVIOUS_X0.minus(x0).times(1 / ratio(levels, i));
                next = next.plus(slope.times(gain / 2));
                carried = carried.plus(slope.times(gain * ofSlope(levels, i)));
            }
            return SamplingPlan.Step.ofMany(levels.t()[i], next, carried, x0);
        }

        private static boolean isSecondOrder(NoiseLevels levels, int i) {
            return i > 0 && !levels.isLast(i);
        }

        /** −α B(h) of a step. */
        private static double gain(NoiseLevels levels, int i) {
            return -levels.alpha(i + 1) * Math.expm1(-levels.h(i));
        }

        /** Where the prediction before stands, in steps of this size: less than 0. */
        private static double ratio(NoiseLevels levels, int i) {
            return -levels.h(i - 1) / levels.h(i);
        }

        /** Weight of the slope to the prediction before in the corrector of step {@code i}. */
        private static double ofSlope(NoiseLevels levels, int i) {
            double h = -levels.h(i);
            double phi2 = Math.expm1(h) / h - 1;
            double phi3 = phi2 / h - 0.5;
            return (phi2 - 2 * phi3) / Math.expm1(h) / (1 - ratio(levels, i));
        }

        /** Weight of the slope to the prediction at the step's end in the corrector of step {@code i}. */
        private static double ofNewest(NoiseLevels levels, int i) {
            if (!isSecondOrder(levels, i)) {
                return 0.5;
            }
            double h = -levels.h(i);
            return (Math.expm1(h) / h - 1) / Math.expm1(h) - ofSlope(levels, i);
        }
    }

    /** Another sampler at timesteps of one's own choice. */
    record Respaced(Sampler sampler, Respacing respacing) implements Sampler {
        public Respaced {
            if (!(sampler instanceof Ddim || sampler instanceof Ddpm)) {
                throw new IllegalArgumentException("respacing is '" + respacing + "', which goes with DDIM or DDPM;"
                        + " for other samplers say how many steps");
            }
        }

        /** Those of the respacing, whatever {@code steps} is. */
        @Override
        public int[] timesteps(NoiseSchedule schedule, int steps) {
            return respacing.timesteps(schedule);
        }

        @Override
        public SamplingPlan.Step step(NoiseLevels levels, int i) {
            return sampler.step(levels, i);
        }
    }

    /**
     * A trajectory that goes on in fewer steps than it began with, at timesteps spread evenly over those that were
     * before it. The first of them stays, so that whatever a multistep sampler keeps was predicted for the level that
     * the latent is at: its steps are of any size, and it goes on at its order.
     *
     * @param steps of the whole trajectory as it was
     * @param done steps before
     * @param left steps after
     */
    record Shortened(Sampler sampler, int steps, int done, int left) implements Sampler {
        public Shortened {
            if (done < 0 || left < 1 || done + left > steps) {
                throw new IllegalArgumentException("a trajectory of " + steps + " steps is to end in " + left
                        + " more after " + done + ", expected at least 1, and no more than there are");
            }
        }

        /** Those that are left, whatever {@code ignored} is. */
        @Override
        public int[] timesteps(NoiseSchedule schedule, int ignored) {
            int[] whole = sampler.timesteps(schedule, steps); // the first of those left is at steps - done - 1
            int[] kept = NoiseSchedule.spread(steps - done, left);
            int[] shortened = new int[done + left];
            for (int i = 0; i < left; i++) {
                shortened[left - 1 - i] = whole[steps - done - 1 - kept[i]];
            }
            System.arraycopy(whole, steps - done, shortened, left, done);
            return shortened;
        }

        @Override
        public double endAlphaBar(NoiseSchedule schedule) {
            return sampler.endAlphaBar(schedule);
        }

        @Override
        public SamplingPlan.Step step(NoiseLevels levels, int i) {
            return sampler.step(levels, i);
        }
    }

    /**
     * Another sampler that asks the network at its first steps, its last, and every {@code interval}-th; in between, the
     * polynomial in t through the last predictions of ε says what it would predict. This is TaylorSeer (arXiv
     * 2503.06923) for the network's guided output, which is kept with the trajectory.
     *
     * @param interval steps from one that asks to the next; 1 asks at every step
     */
    record Cached(Sampler sampler, int interval) implements Sampler {
        /** Of the polynomial. */
        static final int ORDER = 2;

        private static final int MAX_INTERVAL = 10;

        public Cached {
            if (interval < 1 || interval > MAX_INTERVAL) {
                throw new IllegalArgumentException("cache interval is " + interval + ", expected 1 (no cache) to "
                        + MAX_INTERVAL + " steps from one pass of the network to the next");
            }
            if (!isDeterministic(sampler)) {
                throw new IllegalArgumentException("cache interval is " + interval + " for " + sampler
                        + ", which adds noise that no forecast knows; take DDIM with eta 0, DPM-Solver++ or UniPC");
            }
        }

        private static boolean isDeterministic(Sampler sampler) {
            return sampler instanceof DpmSolverPp
                    || sampler instanceof UniPc
                    || (sampler instanceof Ddim ddim && ddim.eta() == 0)
                    || (sampler instanceof Respaced respaced && isDeterministic(respaced.sampler()));
        }

        @Override
        public int[] timesteps(NoiseSchedule schedule, int steps) {
            return sampler.timesteps(schedule, steps);
        }

        @Override
        public double endAlphaBar(NoiseSchedule schedule) {
            return sampler.endAlphaBar(schedule);
        }

        @Override
        public SamplingPlan.Step step(NoiseLevels levels, int i) {
            SamplingPlan.Step step = sampler.step(levels, i);
            int newest = step.history().size(); // the sampler's own are behind the predictions
            if (asks(levels, i)) {
                List<Linear> predictions = new ArrayList<>();
                for (int age = ORDER; age > 0; age--) {
                    predictions.add(i == 0 ? Linear.ZERO : Linear.kept(newest + age - 1));
                }
                predictions.add(Linear.EPS);
                return step.keeping(predictions);
            }
            Linear eps = Linear.ZERO;
            List<Linear> predictions = new ArrayList<>();
            int[] asked = lastAsked(levels, i);
            for (int age = ORDER; age >= 0; age--) {
                Linear prediction = Linear.kept(newest + age);
                eps = eps.plus(prediction.times(weight(levels, i, asked, age)));
                predictions.add(prediction);
            }
            return step.withoutAsking(eps).keeping(predictions);
        }

        private boolean asks(NoiseLevels levels, int i) {
            return i <= ORDER || levels.isLast(i) || (i - ORDER) % interval == 0;
        }

        /** The steps whose predictions are kept at step {@code i}, the newest first. */
        private int[] lastAsked(NoiseLevels levels, int i) {
            return IntStream.iterate(i - 1, j -> j - 1)
                    .filter(j -> asks(levels, j))
                    .limit(ORDER + 1)
                    .toArray();
        }

        /** Lagrange's, of the prediction of step {@code asked[age]}. */
        private static double weight(NoiseLevels levels, int i, int[] asked, int age) {
            double weight = 1;
            for (int other : asked) {
                if (other != asked[age]) {
                    weight *=
                            (double) (levels.t()[i] - levels.t()[other]) / (levels.t()[asked[age]] - levels.t()[other]);
                }
            }
            return weight;
        }
    }

    /**
     * The timesteps of a trajectory, ascending: the last one is visited first. There are {@code steps} of them, except
     * where the sampler has a reason that it names.
     */
    int[] timesteps(NoiseSchedule schedule, int steps);

    /** ᾱ where the last step leads: 1 is the image itself. */
    default double endAlphaBar(NoiseSchedule schedule) {
        return 1;
    }

    /** Step {@code i} of a trajectory, from 0. */
    SamplingPlan.Step step(NoiseLevels levels, int i);
}
