package io.finestream.cli;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
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
import java.util.ArrayList;
import java.util.Arrays;
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
            "  finestream inspect adapters/adapter-8.safetensors --tensors",
            "  finestream inspect flowers --json | jq -r .sha256"
        })
final class InspectCommand implements Callable<Integer> {

    private static final double MEGABYTE = 1e6;

    private static final String ADDED_CLASS = "class";

    /** A line. */
    private record Fact(String name, String text) {}

    @Parameters(paramLabel = "MODEL", description = "a file, a directory with a model in it, or a model that ships")
    private String model = "";

    @Mixin
    private ModelFileOptions meant = new ModelFileOptions();

    @Option(names = "--tensors", description = "list the tensors, too")
    private boolean tensors;

    @Option(names = "--no-hash", description = "do not read the whole file for its SHA-256")
    private boolean noHash;

    @Option(names = "--json", description = "one JSON object; numbers are in 'numbers', shapes in 'tensors'")
    private boolean json;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        ModelFiles files = meant.of(model).locate();
        TensorFile file = files.openWeights();
        List<Fact> facts = new ArrayList<>();
        line(facts, "file", file.file() + ", " + megabytes(file.files()));
        line(facts, "format", format(file));
        what(facts, files, file);
        line(
                facts,
                "numbers",
                file.numbers().entrySet().stream()
                        .map(type -> "%s %,d".formatted(type.getKey(), type.getValue()))
                        .collect(Collectors.joining(", ")));
        if (!noHash) {
            line(facts, "sha256", files.weightsHash());
        }
        PrintWriter out = command.commandLine().getOut();
        if (json) {
            out.println(object(facts, file));
        } else {
            facts.forEach(fact -> out.printf("%-10s%s%n", fact.name(), fact.text()));
            if (tensors) {
                for (String name : file.names()) {
                    out.println("  " + Printable.of(name) + " " + file.shape(name));
                }
            }
        }
        out.flush();
        return 0;
    }

    /** Facts as texts, the classes of an adapter as an array, counts and shapes as numbers. */
    private ObjectNode object(List<Fact> facts, TensorFile file) throws WeightsException {
        ObjectNode object = new ObjectMapper().createObjectNode();
        for (Fact fact : facts) {
            if (fact.name().equals(ADDED_CLASS)) {
                object.withArray("classesAdded").add(fact.text());
            } else {
                object.put(fact.name(), fact.text());
            }
        }
        ObjectNode numbers = object.putObject("numbers");
        file.numbers().forEach((type, count) -> numbers.put(String.valueOf(type), count));
        if (tensors) {
            ObjectNode shapes = object.putObject("tensors");
            for (String name : file.names()) {
                ArrayNode shape = shapes.putArray(name);
                Arrays.stream(file.shape(name).getShape()).forEach(shape::add);
            }
        }
        return object;
    }

    private static String format(TensorFile file) {
        String count = Counted.of(file.names().size(), "tensor");
        if (file instanceof PyTorchCheckpoint) {
            return "torch.save, " + count;
        }
        return "safetensors, " + count
                + (file.files().size() > 1 ? " in " + (file.files().size() - 1) + " files" : "");
    }

    private static void what(List<Fact> facts, ModelFiles files, TensorFile file) throws IOException {
        Adapter.@Nullable Origin origin = file instanceof Safetensors adapter ? Adapter.origin(adapter) : null;
        if (origin != null) {
            line(facts, "is", "an adapter: version " + origin.version() + " of the base " + origin.baseHash());
            origin.addedClasses()
                    .forEach(added -> line(
                            facts,
                            ADDED_CLASS,
                            Printable.of(added.subclass()) + " in " + Printable.of(added.superclass())));
            return;
        }
        if (file.names().contains("decoder.conv_in.weight")) {
            line(facts, "is", "an AutoencoderKL");
            return;
        }
        try {
            ModelConfig config = files.readConfig(file);
            network(facts, config, file);
            classes(facts, config.dit(), files.readTaxonomy(config, file));
            line(facts, "codec", codec(config, files));
        } catch (WeightsException e) {
            line(facts, "is", "not a whole model: " + e.getMessage());
        }
    }

    private static void network(List<Fact> facts, ModelConfig config, TensorFile file) {
        DiTConfig dit = config.dit();
        boolean affine = file.names().contains("blocks.0.norm1.weight");
        boolean diffusers = file.names().contains("pos_embed.proj.weight");
        line(
                facts,
                "is",
                "a DiT " + (diffusers ? "in the layout of diffusers" : affine ? "with affine norms" : "as published"));
        line(
                facts,
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
        line(facts, "predicts", config.prediction().toString());
    }

    private static void classes(List<Fact> facts, DiTConfig dit, Taxonomy classes) {
        line(
                facts,
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

    private static void line(List<Fact> facts, String name, String value) {
        facts.add(new Fact(name, value));
    }
}
