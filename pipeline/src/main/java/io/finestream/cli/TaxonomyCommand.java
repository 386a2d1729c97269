package io.finestream.cli;

import io.finestream.datasets.Hierarchy;
import io.finestream.dit.Taxonomy;
import io.finestream.weights.ModelConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

@Command(
        name = "taxonomy",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Writes taxonomy.json, which tells a checkpoint's classes, from a list of them.",
            "FILE has a line 'subclass,superclass' for each class, in the order of the model's label rows; or is"
                    + " annotations of iNaturalist 2021 as val.json, whose categories are taken by id, or a list of"
                    + " VegFru as vegfru_train.txt, whose classes are taken by number."
        },
        footer = {
            "",
            "Examples:",
            "  finestream taxonomy val.json --superclasses Plants,Insects,Birds,Fungi,Reptiles,Mammals,\\",
            "      'Ray-finned Fishes',Amphibians,Mollusks,Arachnids,Animalia --out taxonomy.json",
            "  finestream taxonomy vegfru_list/vegfru_train.txt --hierarchy upper.csv --out taxonomy.json"
        })
final class TaxonomyCommand implements Callable<Integer> {

    @Parameters(paramLabel = "FILE", description = "list of classes")
    private Path file = Path.of("");

    @Option(
            names = "--hierarchy",
            paramLabel = "FILE",
            description = "superclasses in place of those of FILE: a line 'subclass,superclass' per class")
    private @Nullable Path hierarchy;

    @Option(
            names = "--superclasses",
            paramLabel = "NAME",
            split = ",",
            description = "in the order of their label rows (default: in which they first come in FILE)")
    private List<String> superclasses = List.of();

    @Option(names = "--out", paramLabel = "FILE", required = true, description = "to write")
    private Path out = Path.of("");

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws IOException {
        List<Taxonomy.ClassName> names = Hierarchy.classesIn(file);
        if (hierarchy != null) {
            names = Hierarchy.read(hierarchy).appliedTo(names);
        }
        Set<String> order = new LinkedHashSet<>(superclasses);
        names.forEach(name -> order.add(name.superclass()));
        if (!superclasses.isEmpty() && order.size() > superclasses.size()) {
            throw new ParameterException(
                    command.commandLine(),
                    "--superclasses has " + superclasses + ", but " + file + " has classes in "
                            + new ArrayList<>(order).subList(superclasses.size(), order.size()) + " too");
        }
        List<String> coarse = List.copyOf(order);
        Taxonomy taxonomy = new Taxonomy(
                coarse,
                names.stream()
                        .map(name -> new Taxonomy.Subclass(name.subclass(), coarse.indexOf(name.superclass())))
                        .toList());
        ModelConfig.writeTaxonomy(out, taxonomy);
        command.commandLine()
                .getOut()
                .println(Counted.of(names.size(), "subclass") + " in " + Counted.of(coarse.size(), "superclass")
                        + " written to " + out);
        return 0;
    }
}
