package io.finestream.cli;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.TuningStrategy;
import io.finestream.weights.ModelChoice;
import io.finestream.weights.ModelExport;
import io.finestream.weights.TensorType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import me.tongfei.progressbar.ProgressBar;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "convert",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Writes a model in another layout or type, or with an adapter in it, or what was tuned of it alone.",
            "Layouts:",
            "  finestream  a model directory (default)",
            "  original    one file with the tensors of DiT or FineDiffusion; .pt as torch.save writes it, else safetensors",
            "  diffusers   a pipeline; affine norms and DiffFit's scales are folded into the other weights",
            "  adapter     the parameters that --strategy tunes, for --base"
        },
        footer = {
            "",
            "Examples:",
            "  finestream convert DiT-XL-2-256x256.pt --dtype bf16 --out dit-xl-2",
            "  finestream convert flowers --adapter adapter-8.safetensors --layout original --out tuned.pt",
            "  finestream convert FineDiffusion-iNat.pt --layout adapter --base DiT-XL-2-256x256.pt \\",
            "      --out inat.safetensors"
        })
final class ConvertCommand implements Callable<Integer> {

    private enum Layout {
        FINESTREAM,
        ORIGINAL,
        DIFFUSERS,
        ADAPTER
    }

    @Parameters(
            paramLabel = "MODEL",
            description = "a model directory, a pipeline of diffusers, a checkpoint, or a model that ships")
    private String model = "";

    @Mixin
    private ModelFileOptions files = new ModelFileOptions();

    @Option(names = "--layout", paramLabel = "NAME", description = "of what is written (default ${DEFAULT-VALUE})")
    private Layout layout = Layout.FINESTREAM;

    @Option(names = "--dtype", paramLabel = "TYPE", description = "f32, f16 or bf16 (default ${DEFAULT-VALUE})")
    private TensorType dtype = TensorType.F32;

    @Option(
            names = "--fold",
            description = "fold affine norms and DiffFit's scales into the other weights, as for a plain DiT")
    private boolean fold;

    @Option(names = "--base", paramLabel = "MODEL", description = "of the adapter that is written")
    private @Nullable String base;

    @Option(
            names = "--strategy",
            description = "what the adapter has: ${COMPLETION-CANDIDATES} (default ${DEFAULT-VALUE})")
    private TuningStrategy strategy = TuningStrategy.FINE_DIFFUSION;

    @Option(names = "--out", paramLabel = "PATH", required = true, description = "file or directory to write")
    private Path out = Path.of("");

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        if (dtype != TensorType.F32 && dtype != TensorType.F16 && dtype != TensorType.BF16) {
            throw new ParameterException(command.commandLine(), "--dtype is " + dtype + ", expected f32, f16 or bf16");
        }
        TorchOps.prepareThread(Runtime.getRuntime().availableProcessors(), false);
        try (NDManager manager = TorchOps.newManager(Device.cpu());
                ProgressBar bar = Progress.bar("converting", 0)) {
            ModelExport export = ModelExport.of(
                            TorchOps.load(manager), manager, files.of(model).locate())
                    .listener((tensors, of) -> bar.maxHint(of).stepTo(tensors));
            write(fold ? export.fold() : export);
        }
        command.commandLine().getOut().println("written to " + out);
        return 0;
    }

    private void write(ModelExport export) throws IOException {
        switch (layout) {
            case FINESTREAM -> export.writeDirectory(out, dtype);
            case ORIGINAL -> export.writeOriginal(out, dtype);
            case DIFFUSERS -> export.writeDiffusers(out, dtype);
            case ADAPTER -> {
                if (base == null) {
                    throw new ParameterException(
                            command.commandLine(), "--layout adapter needs the model that it was tuned from: --base");
                }
                Set<String> tuned = strategy.trainable(export.parameters());
                export.writeAdapter(out, tuned, ModelChoice.of(base).locate());
            }
        }
    }
}
