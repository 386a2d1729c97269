package io.finestream.flink;

import io.finestream.codec.Framing;
import io.finestream.dit.ComputeType;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.tuning.TuningSettings;
import io.finestream.weights.ModelChoice;
import java.io.Serializable;
import org.jspecify.annotations.Nullable;

/**
 * What a fine-tuning job is told.
 *
 * @param model the base model; its files are found where it runs
 * @param device {@code auto} (a GPU if there is one), {@code cpu} or {@code gpu}
 * @param computeType arithmetic of the network; what is tuned is float32 in any case
 * @param intraOpThreads engine threads; 0: the machine's processors
 * @param maxStepsPerSecond optimizer steps, so that a machine can be shared with generation; infinite for no bound
 * @param tuning how the model is tuned
 * @param framing how an image that is not square is made so
 * @param publisher names this job in every version that it publishes
 * @param adapters directory for files of all tuned parameters; null for none
 * @param adapterEvery versions between two such files; a savepoint's version and the last of a run have one in any case
 * @param wireFormat how records are encoded
 */
public record FineTuneSettings(
        ModelChoice model,
        String device,
        ComputeType computeType,
        int intraOpThreads,
        double maxStepsPerSecond,
        TuningSettings tuning,
        Framing framing,
        String publisher,
        @Nullable String adapters,
        int adapterEvery,
        WireFormat wireFormat)
        implements Serializable {

    public FineTuneSettings {
        Devices.requireKnown(device);
        require(intraOpThreads >= 0, "engine threads", intraOpThreads, "at least 0");
        require(maxStepsPerSecond > 0, "steps per second", maxStepsPerSecond, "more than 0");
        require(adapterEvery >= 1, "versions between adapters", adapterEvery, "at least 1");
    }

    /** The defaults for a model on whatever device there is. */
    public static FineTuneSettings forModel(ModelChoice model, String publisher) {
        return new FineTuneSettings(
                model,
                "auto",
                ComputeType.FP32,
                0,
                Double.POSITIVE_INFINITY,
                TuningSettings.DEFAULT,
                Framing.CENTRE_CROP,
                publisher,
                null,
                1,
                new WireFormat.SingleObject());
    }

    public FineTuneSettings withTuning(TuningSettings other) {
        return new FineTuneSettings(
                model,
                device,
                computeType,
                intraOpThreads,
                maxStepsPerSecond,
                other,
                framing,
                publisher,
                adapters,
                adapterEvery,
                wireFormat);
    }

    public FineTuneSettings withIntraOpThreads(int threads) {
        return new FineTuneSettings(
                model,
                device,
                computeType,
                threads,
                maxStepsPerSecond,
                tuning,
                framing,
                publisher,
                adapters,
                adapterEvery,
                wireFormat);
    }

    public FineTuneSettings withAdapters(@Nullable String directory, int every) {
        return new FineTuneSettings(
                model,
                device,
                computeType,
                intraOpThreads,
                maxStepsPerSecond,
                tuning,
                framing,
                publisher,
                directory,
                every,
                wireFormat);
    }

    private static void require(boolean holds, String what, double value, String expected) {
        if (!holds) {
            throw new IllegalArgumentException(what + " is " + value + ", expected " + expected);
        }
    }
}
