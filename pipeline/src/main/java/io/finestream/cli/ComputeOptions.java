package io.finestream.cli;

import io.finestream.autotune.ComputeSettings;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Kernels;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** How the network is computed: what is not said is measured, once for a machine. */
final class ComputeOptions {

    static final class OfKernels implements ITypeConverter<Kernels> {
        @Override
        public Kernels convert(String value) {
            try {
                return Kernels.parse(value);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(String.valueOf(e.getMessage()));
            }
        }
    }

    @Spec(Spec.Target.MIXEE)
    private @Nullable CommandSpec command;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            description = "fp32 or bf16 arithmetic (default: bf16 where it is faster, as measured)")
    private @Nullable ComputeType dtype;

    @Option(
            names = "--kernels",
            paramLabel = "NAME",
            converter = OfKernels.class,
            description = "attention fused or as products, each also -packed, with matrices packed for oneDNN"
                    + " (default: the fastest, as measured)")
    private @Nullable Kernels kernels;

    @Option(
            names = "--rows",
            paramLabel = "N",
            description =
                    "most rows of one pass of the network, per slot; a guided image takes 2 (default: as measured)")
    private @Nullable Integer rows;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "engine threads per slot (default: the processors, divided by the slots)")
    private @Nullable Integer threads;

    @Option(
            names = "--deterministic",
            description =
                    "measure nothing: fp32 unless --dtype is given, kernels fused, 24 rows; the same bits on every"
                            + " machine of one kind")
    private boolean deterministic;

    ComputeSettings settings() {
        ComputeSettings open = deterministic ? ComputeSettings.DETERMINISTIC : ComputeSettings.MEASURED;
        require("--rows", rows, ComputeSettings.MIN_ROWS);
        require("--threads", threads, 1);
        return new ComputeSettings(
                dtype != null ? dtype : open.type(),
                kernels != null ? kernels : open.kernels(),
                Objects.requireNonNullElse(rows, open.rows()),
                Objects.requireNonNullElse(threads, open.threads()));
    }

    /** Engine threads where there is one slot. */
    int threads() {
        int given = settings().threads();
        return given > 0 ? given : Runtime.getRuntime().availableProcessors();
    }

    private void require(String option, @Nullable Integer value, int least) {
        if (value != null && value < least) {
            String message = option + " is " + value + ", expected at least " + least;
            throw command == null
                    ? new IllegalArgumentException(message)
                    : new ParameterException(command.commandLine(), message);
        }
    }
}
