package io.finestream.metrics;

import io.finestream.dit.Taxonomy;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * How often images are taken for what they are meant to be.
 *
 * @param images how many
 * @param subclass share whose subclass is the predicted one
 * @param superclass share whose superclass is the predicted one
 * @param confusions what subclasses are taken for instead, the most frequent first
 */
public record ClassAccuracy(int images, double subclass, double superclass, List<Confusion> confusions) {

    /**
     * @param meant name of the subclass
     * @param takenFor name of the predicted one
     * @param count images
     */
    public record Confusion(String meant, String takenFor, int count) {}

    /** @param meant subclass, predicted what the classifier said */
    public record Answer(int meant, ImageClassifier.Prediction predicted) {}

    private record Pair(int meant, int takenFor) {}

    /** @throws IllegalArgumentException if there are no answers */
    public static ClassAccuracy of(Taxonomy taxonomy, List<Answer> answers) {
        if (answers.isEmpty()) {
            throw new IllegalArgumentException("there are no images to measure the accuracy on, expected at least 1");
        }
        int subclasses = 0;
        int superclasses = 0;
        Map<Pair, Integer> wrong = new HashMap<>();
        for (Answer answer : answers) {
            int takenFor = answer.predicted().subclass();
            if (takenFor == answer.meant()) {
                subclasses++;
            } else {
                wrong.merge(new Pair(answer.meant(), takenFor), 1, Integer::sum);
            }
            superclasses += answer.predicted().superclass() == taxonomy.superclassOf(answer.meant()) ? 1 : 0;
        }
        int images = answers.size();
        return new ClassAccuracy(
                images, (double) subclasses / images, (double) superclasses / images, sorted(taxonomy, wrong));
    }

    private static List<Confusion> sorted(Taxonomy taxonomy, Map<Pair, Integer> wrong) {
        Stream<Confusion> named = wrong.entrySet().stream()
                .map(entry -> new Confusion(
                        taxonomy.subclassName(entry.getKey().meant()),
                        taxonomy.subclassName(entry.getKey().takenFor()),
                        entry.getValue()));
        return named.sorted(Comparator.comparingInt(Confusion::count)
                        .reversed()
                        .thenComparing(Confusion::meant)
                        .thenComparing(Confusion::takenFor))
                .toList();
    }
}
