package io.finestream.cli;

import io.finestream.embeddings.ClassMap;
import io.finestream.embeddings.MapDrawing;
import io.finestream.weights.LabelTables;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "embeddings",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Draws the map of a model's classes: the rows of its label tables in the plane, coloured by superclass.",
            "Nothing is generated: only the tables are read. The same seed gives the same map."
        },
        footer = {
            "",
            "Examples:",
            "  finestream embeddings --plot flowers.png",
            "  finestream embeddings --model my-model --adapter adapter-8.safetensors --plot map.svg --json map.json"
        })
final class EmbeddingsCommand implements Callable<Integer> {

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "a model directory, a checkpoint, or a model that ships (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Mixin
    private ModelFileOptions files = new ModelFileOptions();

    @Option(names = "--plot", paramLabel = "FILE", description = "picture to write: .png, or .svg, which shows names")
    private @Nullable Path plot;

    @Option(names = "--json", paramLabel = "FILE", description = "places and colours, for programs")
    private @Nullable Path json;

    @Option(names = "--seed", description = "of the layout (default ${DEFAULT-VALUE})")
    private long seed = 1;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        if (plot == null && json == null) {
            throw Usage.wrong(command, "there is nothing to write; name a picture (--plot) or a file (--json)");
        }
        if (plot != null && !MapDrawing.canWrite(plot)) {
            throw Usage.wrong(command, "--plot is " + plot + ", expected a name that ends in .png or .svg");
        }
        ClassMap map = ClassMap.of(LabelTables.read(files.of(model).locate()), seed);
        if (plot != null) {
            Path folder = plot.toAbsolutePath().getParent();
            if (folder != null) {
                Files.createDirectories(folder);
            }
            MapDrawing.write(map, plot);
            say(map, plot);
        }
        if (json != null) {
            JsonFile.write(json, map);
            say(map, json);
        }
        return 0;
    }

    private void say(ClassMap map, Path file) {
        command.commandLine()
                .getOut()
                .println(Counted.of(map.classes().size(), "subclass") + " in "
                        + Counted.of(map.superclasses().size(), "superclass") + " written to " + file);
    }
}
