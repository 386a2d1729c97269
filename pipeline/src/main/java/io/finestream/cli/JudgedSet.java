package io.finestream.cli;

import ai.djl.ndarray.NDManager;
import io.finestream.metrics.ClassAccuracy;
import io.finestream.metrics.FeatureGaussian;
import io.finestream.metrics.FrechetDistance;
import io.finestream.metrics.PixelDifference;
import io.finestream.tuning.ImageFolder;
import io.finestream.weights.ClassifierFiles;
import java.util.List;

/**
 * Images as a classifier sees them.
 *
 * @param images as many of each class as other sets have, to be compared with
 */
record JudgedSet(ImageFolder images, ClassAccuracy accuracy, FeatureGaussian features) {

    static JudgedSet of(ClassifierFiles judge, NDManager manager, ImageFolder images) {
        Classification seen = Classification.of(judge, manager, images, Classification.Surroundings.GREY, done -> {});
        return new JudgedSet(images, seen.accuracy(), Evaluation.features(seen.answers()));
    }

    /** Fréchet distance. */
    double distance(JudgedSet other) {
        return FrechetDistance.between(features, other.features);
    }

    /** Image by image. */
    PixelDifference pixels(JudgedSet other) {
        return PixelDifference.between(flat(), other.flat());
    }

    private List<byte[]> flat() {
        return images.images().stream().flatMap(List::stream).toList();
    }
}
