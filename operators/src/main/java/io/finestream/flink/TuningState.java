package io.finestream.flink;

import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.StoredImage;
import io.finestream.schemas.StoredPlace;
import io.finestream.schemas.TuningProgress;
import io.finestream.tuning.FineTuner;
import io.finestream.tuning.LabeledLatent;
import io.finestream.tuning.StreamSampler;
import io.finestream.tuning.TuningStrategy;
import io.finestream.versions.TunedModel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.avro.specific.SpecificRecordBase;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.api.common.state.OperatorStateStore;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;

/** The state of the fine-tuning operator: how far it is, its tensors, its images. All of it is Avro. */
final class TuningState {

    private final ListState<TuningProgress> progress;
    private final ListState<ParameterSlice> trainer;
    private final ListState<ParameterSlice> published;
    private final ListState<StoredImage> images;

    TuningState(OperatorStateStore store) throws Exception {
        progress = list(store, "progress", TuningProgress.class);
        trainer = list(store, "trainer", ParameterSlice.class);
        published = list(store, "published", ParameterSlice.class);
        images = list(store, "images", StoredImage.class);
    }

    private static <T extends SpecificRecordBase> ListState<T> list(
            OperatorStateStore store, String name, Class<T> type) throws Exception {
        return store.getListState(new ListStateDescriptor<>(name, new AvroTypeInfo<>(type)));
    }

    void save(FineTuner tuner, VersionWriter writer, String baseHash, TuningStrategy strategy) throws Exception {
        FineTuner.Progress now = tuner.progress();
        StreamSampler.Counts counts = tuner.images().counts();
        progress.update(List.of(TuningProgress.newBuilder()
                .setBaseModelHash(baseHash)
                .setStrategy(strategy.toString())
                .setStep(now.step())
                .setOptimizerStep(now.optimizerStep())
                .setVersion(now.version())
                .setPublishedClasses(now.publishedClasses())
                .setMeasuredStep(now.measuredStep())
                .setRejections(now.rejections())
                .setAverageLoss(now.averageLoss())
                .setAddedClasses(VersionWriter.entries(tuner.addedClasses()))
                .setReplaySeen(byName(counts.replay()))
                .setHeldOutSeen(byName(counts.heldOut()))
                .setUnpublished(writer.takenOffsets())
                .build()));
        trainer.update(tuner.state());
        published.update(tuner.published());
        List<StoredImage> stored = new ArrayList<>();
        for (StreamSampler.Kept kept : tuner.images().save()) {
            stored.add(StoredImage.newBuilder()
                    .setImageId(kept.image().id())
                    .setSubclassId(kept.image().subclass())
                    .setPlace(StoredPlace.valueOf(kept.place().name()))
                    .setUsesLeft(kept.usesLeft())
                    .setLatent(LatentBytes.of(kept.image().latent()))
                    .build());
        }
        images.update(stored);
    }

    /**
     * Brings a new tuner to where the saved one was, if there is one.
     *
     * @throws IllegalStateException if it tuned another model, or otherwise
     */
    void restore(FineTuner tuner, VersionWriter writer, String baseHash, TuningStrategy strategy) throws Exception {
        for (TuningProgress saved : progress.get()) { // one or none
            requireSame("base model", saved.getBaseModelHash(), baseHash);
            requireSame("strategy", saved.getStrategy(), strategy.toString());
            List<StreamSampler.Kept> kept = new ArrayList<>();
            for (StoredImage image : images.get()) {
                kept.add(new StreamSampler.Kept(
                        new LabeledLatent(
                                image.getImageId(), image.getSubclassId(), LatentBytes.floats(image.getLatent())),
                        StreamSampler.Place.valueOf(image.getPlace().name()),
                        image.getUsesLeft()));
            }
            tuner.images()
                    .restore(
                            kept,
                            new StreamSampler.Counts(byRow(saved.getReplaySeen()), byRow(saved.getHeldOutSeen())));
            tuner.restore(
                    new FineTuner.Progress(
                            saved.getStep(),
                            saved.getOptimizerStep(),
                            saved.getVersion(),
                            saved.getPublishedClasses(),
                            saved.getMeasuredStep(),
                            saved.getRejections(),
                            saved.getAverageLoss()),
                    TunedModel.classNames(saved.getAddedClasses()),
                    all(trainer),
                    all(published));
            writer.restore(saved.getUnpublished());
        }
    }

    private static void requireSame(String what, String saved, String now) {
        if (!saved.equals(now)) {
            throw new IllegalStateException("the saved state of fine-tuning has " + what + " " + saved
                    + ", this job runs " + now + "; start it with that " + what + ", or without the saved state");
        }
    }

    private static List<ParameterSlice> all(ListState<ParameterSlice> state) throws Exception {
        List<ParameterSlice> all = new ArrayList<>();
        for (ParameterSlice slice : state.get()) {
            all.add(slice);
        }
        return all;
    }

    private static Map<String, Long> byName(Map<Integer, Long> counts) {
        return counts.entrySet().stream()
                .collect(Collectors.toMap(entry -> String.valueOf(entry.getKey()), Map.Entry::getValue));
    }

    private static Map<Integer, Long> byRow(Map<String, Long> counts) {
        return counts.entrySet().stream()
                .collect(Collectors.toMap(entry -> Integer.valueOf(entry.getKey()), Map.Entry::getValue));
    }
}
