package io.finestream.cli;

import io.finestream.dit.DiTConfig;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.Adapter;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelFiles;
import io.finestream.weights.PyTorchCheckpoint;
import io.finestream.weights.Safetensors;
import io.finestream.weights.TensorFile;
import io.finestream.weights.WeightsException;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "inspect",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Says what a file of weights is: its format, network, classes, types, parameters and hash.",
            "Nothing in a file is ever run."
        },
        footer = {
            "",
            "Examples:",
            "  finestream inspect DiT-XL-2-256x256.pt",
            "  finestream inspect adapters/adapter-8.safetensors --tensors"
        })
final class InspectCommand implements Callable<Integer> {

    private static final double MEGABYTE = 1e6;

    @Parameters(paramLabel = "MODEL", description = "a file, a directory with a model in it, or a model that ships")
    private String model = "";

    @Mixin
    private ModelFileOptions meant = new ModelFileOptions();

    @Option(names = "--tensors", description = "list the tensors, too")
    private boolean tensors;

    @Option(names = "--no-hash", description = "do not read the whole file for its SHA-256")
    private boolean noHash;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        PrintWriter out = command.commandLine().getOut();
        ModelFiles files = meant.of(model).locate();
        TensorFile file = files.openWeights();
        line(out, "file", file.file() + ", " + megabytes(file.files()));
        line(out, "format", format(file));
        what(out, files, file);
        line(
                out,
                "numbers",
                file.numbers().entrySet().stream()
                        .map(type -> "%s %,d".formatted(type.getKey(), type.getValue()))
                        .collect(Collectors.joining(", ")));
        if (!noHash) {
            line(out, "sha256", files.weightsHash());
        }
        if (tensors) {
            for (String name : file.names()) {
                out.println("  " + Printable.of(name) + " " + file.shape(name));
            }
        }
        out.flush();
        return 0;
    }

    private static String format(TensorFile file) {
        String count = Counted.of(file.names().size(), "tensor");
        if (file instanceof PyTorchCheckpoint) {
            return "torch.save, " + count;
        }
        return "safetensors, " + count
                + (file.files().size() > 1 ? " in " + (file.files().size() - 1) + " files" : "");
    }

    private static void what(PrintWriter out, ModelFiles files, TensorFile file) throws IOException {
        Adapter.@Nullable Origin origin = file instanceof Safetensors adapter ? Adapter.origin(adapter) : null;
        if (origin != null) {
            line(out, "is", "an adapter: version " + origin.version() + " of the base " + origin.baseHash());
            origin.addedClasses()
                    .forEach(added -> line(
                            out, "class", Printable.of(added.subclass()) + " in " + Printable.of(added.superclass())));
            return;
        }
        if (file.names().contains("decoder.conv_in.weight")) {
            line(out, "is", "an AutoencoderKL");
            return;
        }
        try {
            ModelConfig config = files.readConfig(file);
            network(out, config, file);
            classes(out, config.dit(), files.readTaxonomy(config, file));
            line(out, "codec", codec(config, files));
        } catch (WeightsException e) {
            line(out, "is", "not a whole model: " + e.getMessage());
        }
    }

    private static void network(PrintWriter out, ModelConfig config, TensorFile file) {
        DiTConfig dit = config.dit();
        boolean affine = file.names().contains("blocks.0.norm1.weight");
        boolean diffusers = file.names().contains("pos_embed.proj.weight");
        line(
                out,
                "is",
                "a DiT " + (diffusers ? "in the layout of diffusers" : affine ? "with affine norms" : "as published"));
        line(
                out,
                "network",
                "%s: %d blocks, width %d, %d heads, patch %d, latents of %d x %d x %d"
                        .formatted(
                                dit.publishedSize().map(size -> "DiT-" + size).orElse("no published size"),
                                dit.depth(),
                                dit.hiddenSize(),
                                dit.numHeads(),
                                dit.patchSize(),
                                dit.inputSize(),
                                dit.inputSize(),
                                dit.inChannels()));
        line(out, "predicts", config.prediction().toString());
    }

    private static void classes(PrintWriter out, DiTConfig dit, Taxonomy classes) {
        line(
                out,
                "classes",
                Counted.of(dit.subclasses(), "subclass")
                        + (dit.superclasses() > 0 ? " in " + Counted.of(dit.superclasses(), "superclass") : "")
                        + (dit.nullLabel() ? " and a null label" : "")
                        + ", the first is '" + Printable.of(classes.subclassName(0)) + "'");
    }

    private static String codec(ModelConfig config, ModelFiles files) {
        if (!config.codec().equals(ModelConfig.AUTOENCODER)) {
            return config.codec();
        }
        return "autoencoder "
                + (Files.isDirectory(files.autoencoder())
                        ? files.autoencoder()
                        : "to come: there is none at " + files.autoencoder());
    }

    private static String megabytes(List<Path> files) throws IOException {
        long bytes = 0;
        for (Path file : files) {
            bytes += Files.size(file);
        }
        return String.format(Locale.ROOT, "%,.1f MB", bytes / MEGABYTE);
    }

    private static void line(PrintWriter out, String name, String value) {
        out.printf("%-10s%s%n", name, value);
    }
}
