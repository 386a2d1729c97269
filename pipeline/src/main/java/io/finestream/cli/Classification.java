package io.finestream.cli;

import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.metrics.Background;
import io.finestream.metrics.ClassAccuracy;
import io.finestream.metrics.ImageClassifier;
import io.finestream.tuning.ImageFolder;
import io.finestream.weights.ClassifierFiles;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;

/**
 * What a classifier takes a folder of images for.
 *
 * @param classifier asked
 * @param answers for every image, class by class
 */
record Classification(ClassifierFiles classifier, List<ClassAccuracy.Answer> answers) {

    private static final int BATCH = 64;

    /** What is done to the background before the classifier sees an image. */
    enum Surroundings {
        AS_THEY_ARE {
            @Override
            float[] prepare(float[] planes, int side) {
                return planes;
            }
        },
        GREY {
            @Override
            float[] prepare(float[] planes, int side) {
                return Background.neutralised(planes, side);
            }
        };

        abstract float[] prepare(float[] planes, int side);
    }

    /**
     * Asks for every image.
     *
     * @param images of the size and of the classes, by name, of the classifier
     * @param done told the number of images after each batch
     * @throws io.finestream.dit.UnknownClassException if the classifier does not know a class
     */
    static Classification of(
            ClassifierFiles classifier,
            NDManager owner,
            ImageFolder images,
            Surroundings surroundings,
            IntConsumer done) {
        List<Integer> meant = new ArrayList<>();
        List<float[]> prepared = new ArrayList<>();
        List<ClassAccuracy.Answer> answers = new ArrayList<>();
        int side = images.imageSize();
        for (int subclass = 0; subclass < images.images().size(); subclass++) {
            int known = classifier.taxonomy().subclass(images.taxonomy().subclassName(subclass));
            for (int i = 0; i < images.images().get(subclass).size(); i++) {
                meant.add(known);
                prepared.add(surroundings.prepare(images.planes(subclass, i), side));
                if (prepared.size() == BATCH) {
                    ask(classifier, owner, side, meant, prepared, answers);
                    done.accept(BATCH);
                }
            }
        }
        if (!prepared.isEmpty()) {
            int rest = prepared.size();
            ask(classifier, owner, side, meant, prepared, answers);
            done.accept(rest);
        }
        return new Classification(classifier, answers);
    }

    /** Moves the images that wait to the answers. */
    private static void ask(
            ClassifierFiles classifier,
            NDManager owner,
            int side,
            List<Integer> meant,
            List<float[]> prepared,
            List<ClassAccuracy.Answer> answers) {
        int numbers = 3 * side * side;
        float[] all = new float[prepared.size() * numbers];
        for (int i = 0; i < prepared.size(); i++) {
            System.arraycopy(prepared.get(i), 0, all, i * numbers, numbers);
        }
        try (NDManager m = owner.newSubManager()) {
            List<ImageClassifier.Prediction> predictions =
                    classifier.classifier().predict(m.create(all, new Shape(prepared.size(), 3, side, side)));
            for (int i = 0; i < predictions.size(); i++) {
                answers.add(new ClassAccuracy.Answer(meant.get(i), predictions.get(i)));
            }
        }
        meant.clear();
        prepared.clear();
    }

    ClassAccuracy accuracy() {
        return ClassAccuracy.of(classifier.taxonomy(), answers);
    }
}
