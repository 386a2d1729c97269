package io.finestream.cli;

import io.finestream.dit.Taxonomy;
import io.finestream.dit.UnknownClassException;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** The classes that a command line names. */
final class ClassSelection {

    private static final String ALL = "all";
    private static final int SHOWN = 12; // superclasses in an error

    private ClassSelection() {}

    /**
     * @param names subclasses by name or number, superclasses for all that is in them, or {@code all}; empty for the first
     *     subclass of each superclass
     * @return rows of the fine label table, each once, in the order of {@code names}
     * @throws IllegalArgumentException with the nearest names, if there is no such class
     */
    static List<Integer> resolve(Taxonomy taxonomy, List<String> names) {
        Set<Integer> selected = new LinkedHashSet<>();
        if (names.isEmpty()) {
            Set<Integer> seen = new LinkedHashSet<>();
            subclasses(taxonomy).filter(i -> seen.add(taxonomy.superclassOf(i))).forEach(selected::add);
        }
        for (String name : names) {
            int superclass = superclass(taxonomy, name);
            if (name.equalsIgnoreCase(ALL)) {
                subclasses(taxonomy).forEach(selected::add);
            } else if (superclass >= 0) {
                subclasses(taxonomy)
                        .filter(i -> taxonomy.superclassOf(i) == superclass)
                        .forEach(selected::add);
            } else {
                selected.add(subclass(taxonomy, name));
            }
        }
        return List.copyOf(selected);
    }

    private static int subclass(Taxonomy taxonomy, String name) {
        try {
            return taxonomy.resolve(name);
        } catch (UnknownClassException e) {
            List<String> superclasses = taxonomy.superclasses();
            int more = superclasses.size() - SHOWN;
            throw new IllegalArgumentException(
                    e.getMessage() + "; superclasses are "
                            + String.join(", ", superclasses.subList(0, Math.min(SHOWN, superclasses.size())))
                            + (more > 0 ? " and " + more + " more" : ""),
                    e);
        }
    }

    /** -1 if there is none, or a subclass has the same name. */
    private static int superclass(Taxonomy taxonomy, String name) {
        boolean isSubclass = taxonomy.subclasses().stream()
                .anyMatch(subclass -> subclass.name().equalsIgnoreCase(name.strip()));
        return isSubclass
                ? -1
                : IntStream.range(0, taxonomy.superclasses().size())
                        .filter(i -> taxonomy.superclassName(i).equalsIgnoreCase(name.strip()))
                        .findFirst()
                        .orElse(-1);
    }

    private static IntStream subclasses(Taxonomy taxonomy) {
        return IntStream.range(0, taxonomy.subclasses().size());
    }
}
