package io.finestream.cli;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.AdamW;
import io.finestream.weights.Safetensors;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import me.tongfei.progressbar.ProgressBar;

/**
 * A training run that goes on where it stopped: progress, a log of the losses with a curve, and what has been learned
 * saved every few minutes.
 *
 * @param losses names of what a step returns; the first is drawn as the curve
 */
record TrainingRun(TrainingOptions options, TorchOps ops, NDManager manager, AdamW optimizer, List<String> losses) {

    private static final String STATE = "train-state.safetensors";
    private static final String LOG = "loss.tsv";
    private static final int LOG_EVERY = 50;

    /** One optimizer step. */
    interface Step {
        /** @return the losses, then the norm of the gradient */
        double[] take(long step, double learningRate);
    }

    /** Writes what has been learned. */
    interface Save {
        /** @param averaged moving average of the parameters */
        void write(Map<String, NDArray> averaged) throws IOException;
    }

    /** Takes the steps that are left. Gradients are off while {@code save} runs. */
    void run(Step step, Save save) throws IOException {
        Files.createDirectories(options.out);
        resume();
        long saved = System.nanoTime();
        double[] sums = new double[losses.size()];
        int summed = 0;
        long from = optimizer.stepsDone();
        long start = System.nanoTime();
        try (ProgressBar bar = Progress.bar("training", options.steps)) {
            bar.stepTo(from);
            while (optimizer.stepsDone() < options.steps) {
                double rate = options.learningRateAt(optimizer.stepsDone());
                double[] found = step.take(optimizer.stepsDone(), rate);
                requireFinite(found);
                Arrays.setAll(sums, i -> sums[i] + found[i]);
                summed++;
                bar.step();
                if (optimizer.stepsDone() % LOG_EVERY == 0) {
                    int count = summed; // fewer than usual after a resumption
                    double[] means = Arrays.stream(sums).map(sum -> sum / count).toArray();
                    bar.setExtraMessage(" " + message(means));
                    log(means, rate);
                    Arrays.fill(sums, 0);
                    summed = 0;
                }
                if (System.nanoTime() - saved
                        > Duration.ofMinutes(options.saveMinutes).toNanos()) {
                    save(save);
                    saved = System.nanoTime();
                }
            }
        }
        save(save);
        long trained = (optimizer.stepsDone() - from) * options.batch;
        System.out.printf(
                Locale.ROOT,
                "wrote %s; %,d images at %.1f images/s, saving included%n",
                options.out,
                trained,
                trained / Math.max(1e-9, (System.nanoTime() - start) / 1e9));
    }

    private void requireFinite(double[] found) {
        for (double value : found) {
            if (!Double.isFinite(value)) {
                throw new IllegalStateException("the loss or its gradient is not finite after step "
                        + optimizer.stepsDone() + "; run again from the last save with a lower --lr");
            }
        }
    }

    private String message(double[] means) {
        StringBuilder message = new StringBuilder();
        for (int i = 0; i < means.length; i++) {
            message.append(i > 0 ? "  " : "").append("%s %.4f".formatted(losses.get(i), means[i]));
        }
        return message.toString();
    }

    private void resume() throws IOException {
        Path file = options.out.resolve(STATE);
        if (!Files.exists(file)) {
            return;
        }
        Safetensors state = Safetensors.open(file);
        if (!state.names().equals(optimizer.state().keySet())) {
            throw new IOException(file + " is of a run that trains other parameters; run with the same network and"
                    + " strategy, or into another directory");
        }
        try (NDManager m = manager.newSubManager()) {
            Map<String, NDArray> saved = new LinkedHashMap<>();
            for (String tensor : state.names()) {
                saved.put(tensor, state.map(ops, m, tensor));
            }
            optimizer.restore(saved, Long.parseLong(state.metadata().getOrDefault("step", "0")));
        }
        System.out.println("going on from step " + optimizer.stepsDone());
    }

    private void save(Save save) throws IOException {
        TorchOps.recordGradients(false);
        save.write(optimizer.averaged());
        TorchOps.recordGradients(true);
        Safetensors.write(
                options.out.resolve(STATE), optimizer.state(), Map.of("step", Long.toString(optimizer.stepsDone())));
        Path log = options.out.resolve(LOG);
        if (Files.exists(log)) {
            LossCurve.read(log).writePng(options.out.resolve("loss.png"));
        }
    }

    private void log(double[] means, double rate) throws IOException {
        Path log = options.out.resolve(LOG);
        if (!Files.exists(log)) {
            Files.writeString(log, "step\t" + String.join("\t", losses) + "\tlearning rate\tUnix time\n");
        }
        String values = Arrays.stream(means)
                .mapToObj(mean -> String.format(Locale.ROOT, "%.5f", mean))
                .collect(Collectors.joining("\t"));
        String line = String.format(
                Locale.ROOT,
                "%d\t%s\t%.2e\t%d%n",
                optimizer.stepsDone(),
                values,
                rate,
                System.currentTimeMillis() / 1000);
        Files.writeString(log, line, StandardOpenOption.APPEND);
    }
}
