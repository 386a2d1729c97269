package io.finestream.diffusion;

/**
 * q(x_{t−1} | x_t, x_0) of DDPM (arXiv 2006.11239, equations 6 and 7) between two noise levels of a trajectory.
 *
 * @param beta variance added between the levels
 * @param variance β̃; 0 where the cleaner level is the image itself
 * @param meanFromX0 coefficient of x_0 in the mean
 * @param meanFromX coefficient of x_t in the mean
 */
record Posterior(double beta, double variance, double meanFromX0, double meanFromX) {

    static Posterior of(double alphaBar, double previousAlphaBar) {
        double beta = 1 - alphaBar / previousAlphaBar;
        return new Posterior(
                beta,
                beta * (1 - previousAlphaBar) / (1 - alphaBar),
                beta * Math.sqrt(previousAlphaBar) / (1 - alphaBar),
                (1 - previousAlphaBar) * Math.sqrt(1 - beta) / (1 - alphaBar));
    }
}
