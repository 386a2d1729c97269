package io.finestream.cli;

import io.finestream.metrics.ClassAccuracy;
import io.finestream.metrics.ClassAccuracy.Answer;
import io.finestream.metrics.FeatureGaussian;
import io.finestream.metrics.FrechetDistance;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How good images are beside real ones, in the eyes of a classifier.
 *
 * @param made accuracy on the images that are judged
 * @param real accuracy on the real images of the same classes: the most that can be expected
 * @param frechetDistance of all images that are judged from all these real ones
 * @param equalSizes the distance beside its floor; null where there are not two real images of a class
 */
record Evaluation(
        ClassAccuracy made,
        ClassAccuracy real,
        double frechetDistance,
        @Nullable EqualSizes equalSizes) {

    /**
     * Fréchet distances between sets of as many images of each class, which can be compared.
     *
     * @param images in each set
     * @param madeToReal from a half of the real images
     * @param realToReal between the two halves: the floor
     */
    record EqualSizes(int images, double madeToReal, double realToReal) {}

    /** Answers to the images of each class. */
    private record ByClass(Map<Integer, List<Answer>> answers) {
        static ByClass of(Classification classification) {
            Map<Integer, List<Answer>> answers = new LinkedHashMap<>();
            for (Answer answer : classification.answers()) {
                answers.computeIfAbsent(answer.meant(), subclass -> new ArrayList<>())
                        .add(answer);
            }
            return new ByClass(answers);
        }

        List<Answer> of(int subclass) {
            return answers.getOrDefault(subclass, List.of());
        }

        List<Answer> all() {
            return answers.values().stream().flatMap(List::stream).toList();
        }
    }

    /** @throws IllegalArgumentException if the two have no class in common, or only one image */
    static Evaluation of(Classification made, Classification real) {
        ByClass judged = ByClass.of(made);
        ByClass reference = ByClass.of(real);
        reference.answers().keySet().retainAll(judged.answers().keySet());
        if (reference.answers().isEmpty()) {
            throw new IllegalArgumentException(
                    "there are no real images of the classes that are judged; expected some of each");
        }
        return new Evaluation(
                made.accuracy(),
                ClassAccuracy.of(real.classifier().taxonomy(), reference.all()),
                FrechetDistance.between(features(made.answers()), features(reference.all())),
                equalSizes(judged, reference));
    }

    private static @Nullable EqualSizes equalSizes(ByClass made, ByClass real) {
        List<Answer> some = new ArrayList<>();
        List<Answer> half = new ArrayList<>();
        List<Answer> otherHalf = new ArrayList<>();
        for (int subclass : real.answers().keySet()) {
            List<Answer> all = real.of(subclass);
            int n = Math.min(made.of(subclass).size(), all.size() / 2);
            for (int i = 0; i < n; i++) {
                some.add(made.of(subclass).get(i));
                half.add(all.get(2 * i));
                otherHalf.add(all.get(2 * i + 1));
            }
        }
        return some.size() < 2
                ? null
                : new EqualSizes(
                        some.size(),
                        FrechetDistance.between(features(some), features(half)),
                        FrechetDistance.between(features(half), features(otherHalf)));
    }

    static FeatureGaussian features(List<Answer> answers) {
        return FeatureGaussian.of(
                answers.stream().map(answer -> answer.predicted().features()).toList());
    }
}
