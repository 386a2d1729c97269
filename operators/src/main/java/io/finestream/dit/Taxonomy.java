package io.finestream.dit;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * The classes of a model in two tiers. A subclass's index is its row of the fine label table; a superclass's row of the
 * coarse one is {@link DiTConfig#superclassRow}.
 *
 * <p>Names are matched without regard to case.
 */
public final class Taxonomy {

    private static final int SUGGESTIONS = 3;
    private static final int LONGEST_NAME = 100; // of an unknown one, in a message

    /**
     * A fine class.
     *
     * @param superclass index of its coarse class
     */
    public record Subclass(String name, int superclass) {}

    /** A fine class by its name and its coarse class's. */
    public record ClassName(String superclass, String subclass) {}

    private final List<String> superclasses;
    private final List<Subclass> subclasses;
    private final Map<String, Integer> superclassByName = new HashMap<>();
    private final Map<String, Integer> subclassByName = new HashMap<>();

    /** @throws IllegalArgumentException if a name is blank or twice there, or a superclass index is out of range */
    public Taxonomy(List<String> superclasses, List<Subclass> subclasses) {
        this.superclasses = List.copyOf(superclasses);
        this.subclasses = List.copyOf(subclasses);
        for (int i = 0; i < superclasses.size(); i++) {
            String superclass = superclasses.get(i);
            if (superclass.isBlank()) {
                throw new IllegalArgumentException("superclass " + i + " has a blank name; give it one");
            }
            if (superclassByName.put(key(superclass), i) != null) {
                throw new IllegalArgumentException(
                        "superclass '" + superclass + "' is there twice; names must be unique");
            }
        }
        for (int i = 0; i < subclasses.size(); i++) {
            Subclass subclass = subclasses.get(i);
            if (subclass.name().isBlank()) {
                throw new IllegalArgumentException("subclass " + i + " has a blank name; give it one");
            }
            if (subclass.superclass() < 0 || subclass.superclass() >= superclasses.size()) {
                throw new IllegalArgumentException("subclass '" + subclass.name() + "' names superclass "
                        + subclass.superclass() + ", but there are " + superclasses.size());
            }
            if (subclassByName.put(key(subclass.name()), i) != null) {
                throw new IllegalArgumentException(
                        "subclass '" + subclass.name() + "' is there twice; names must be unique");
            }
        }
    }

    /**
     * The subclass of this name.
     *
     * @throws UnknownClassException with the nearest names, if there is none
     */
    public int subclass(String name) {
        Integer index = subclassByName.get(key(name));
        if (index == null) {
            String shown = name.length() <= LONGEST_NAME ? name : name.substring(0, LONGEST_NAME) + "…";
            throw new UnknownClassException(
                    "there is no class '" + shown + "'; the nearest are " + String.join(", ", quoted(nearest(shown))));
        }
        return index;
    }

    /** @throws UnknownClassException if the model has no subclass of this index */
    public int requireSubclass(int index) {
        if (index < 0 || index >= subclasses.size()) {
            throw new UnknownClassException(
                    "there is no class number " + index + "; expected 0 to " + (subclasses.size() - 1));
        }
        return index;
    }

    /** A class by name or, if {@code nameOrNumber} is a number, by index. */
    public int resolve(String nameOrNumber) {
        return nameOrNumber.matches("#?\\d{1,9}")
                ? requireSubclass(Integer.parseInt(nameOrNumber.replace("#", "")))
                : subclass(nameOrNumber);
    }

    public String subclassName(int subclass) {
        return subclasses.get(subclass).name();
    }

    public int superclassOf(int subclass) {
        return subclasses.get(subclass).superclass();
    }

    public String superclassName(int superclass) {
        return superclasses.get(superclass);
    }

    public List<String> superclasses() {
        return superclasses;
    }

    public List<Subclass> subclasses() {
        return subclasses;
    }

    /** The names of every subclass, in their order. */
    public List<ClassName> names() {
        return subclasses.stream()
                .map(subclass -> new ClassName(superclasses.get(subclass.superclass()), subclass.name()))
                .toList();
    }

    /**
     * These classes, and behind them those of {@code more} that are not there yet, in their order. No index moves; to
     * grow a network alike, see {@link DiTConfig#withClasses} and {@link DiTParameters#grow}.
     *
     * @throws IllegalArgumentException if one is there in another superclass, or a name is blank
     */
    public Taxonomy plus(List<ClassName> more) {
        if (more.stream().allMatch(this::has)) {
            return this;
        }
        List<String> coarse = new ArrayList<>(superclasses);
        List<Subclass> fine = new ArrayList<>(subclasses);
        Map<String, Integer> coarseIndex = new HashMap<>(superclassByName);
        Map<String, Integer> fineIndex = new HashMap<>(subclassByName);
        for (ClassName name : more) {
            int superclass = coarseIndex.computeIfAbsent(key(name.superclass()), unknown -> {
                coarse.add(name.superclass().strip());
                return coarse.size() - 1;
            });
            int subclass = fineIndex.computeIfAbsent(key(name.subclass()), unknown -> {
                fine.add(new Subclass(name.subclass().strip(), superclass));
                return fine.size() - 1;
            });
            int known = fine.get(subclass).superclass();
            if (known != superclass) {
                throw new IllegalArgumentException("subclass '" + name.subclass() + "' is in superclass '"
                        + coarse.get(known) + "', but came with '" + name.superclass() + "'; expected one superclass");
            }
        }
        return new Taxonomy(coarse, fine);
    }

    private boolean has(ClassName name) {
        Integer subclass = subclassByName.get(key(name.subclass()));
        Integer superclass = superclassByName.get(key(name.superclass()));
        return subclass != null
                && superclass != null
                && subclasses.get(subclass).superclass() == superclass;
    }

    private List<String> nearest(String name) {
        String wanted = key(name);
        record Candidate(String name, double distance) {}
        return IntStream.range(0, subclasses.size())
                .mapToObj(i -> subclasses.get(i).name())
                .map(candidate -> new Candidate(candidate, distance(wanted, key(candidate))))
                .sorted(Comparator.comparingDouble(Candidate::distance))
                .limit(SUGGESTIONS)
                .map(Candidate::name)
                .toList();
    }

    /** Edit distance, but a name that contains the wanted text comes first. */
    private static double distance(String wanted, String candidate) {
        if (!wanted.isBlank() && candidate.contains(wanted)) {
            return candidate.length() / 1000.0;
        }
        int[] row = IntStream.rangeClosed(0, candidate.length()).toArray();
        for (int i = 1; i <= wanted.length(); i++) {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= candidate.length(); j++) {
                int substitution = diagonal + (wanted.charAt(i - 1) == candidate.charAt(j - 1) ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.min(substitution, Math.min(row[j], row[j - 1]) + 1);
            }
        }
        return row[candidate.length()];
    }

    private static List<String> quoted(List<String> names) {
        return names.stream().map(name -> "'" + name + "'").toList();
    }

    private static String key(String name) {
        return name.strip().toLowerCase(Locale.ROOT);
    }
}
