package io.finestream.flink;

import io.finestream.dit.Kernels;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.ImageUse;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.ReasonCode;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.torch.TorchOps;
import io.finestream.tuning.FineTuner;
import io.finestream.tuning.Gate;
import io.finestream.tuning.Release;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.VersionAssembler;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.SharedModel;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.runtime.checkpoint.CheckpointOptions;
import org.apache.flink.runtime.execution.CancelTaskException;
import org.apache.flink.runtime.state.CheckpointStreamFactory;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.OperatorSnapshotFutures;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tunes a model on labeled images as they come. One optimizer step, or one pass of a measurement, is one mail: between
 * two of them the task thread goes back to the mailbox, so that checkpoints and images get in.
 *
 * <p>Everything that the next step depends on is operator state. There is one of it: its parallelism is 1.
 */
final class FineTuneOperator extends AbstractStreamOperator<KeyedRecord>
        implements OneInputStreamOperator<SourceRecord, KeyedRecord>, BoundedOneInput {

    private static final long serialVersionUID = 1;
    private static final Logger LOG = LoggerFactory.getLogger(FineTuneOperator.class);

    /** Classes that come within this time become known in one version. */
    private static final Duration CLASSES_GATHERED = Duration.ofSeconds(1);

    private final FineTuneSettings settings;
    private final @Nullable ParameterTopic topic;
    private final MailboxExecutor mailbox;

    private transient TuningState state;
    private transient DeviceShare place;
    private transient SharedModel shared;
    private transient LabeledImageDecoder decoder;
    private transient FineTuner tuner;
    private transient VersionWriter writer;
    private transient @Nullable ParameterFeed feed;
    private transient FineTuneMetrics measured;
    private volatile double loss = Double.NaN; // metrics read it in their thread
    private long lastLabelAt = ConsumerRecord.NO_TIMESTAMP; // epoch milliseconds
    private boolean turnQueued;
    private boolean timerSet;
    private long nextStepAt; // System.nanoTime()
    private long classesDueAt; // System.nanoTime()

    @SuppressWarnings("NullAway.Init") // Flink calls initializeState and open before anything else
    FineTuneOperator(
            StreamOperatorParameters<KeyedRecord> parameters,
            FineTuneSettings settings,
            @Nullable ParameterTopic topic) {
        super(parameters);
        this.settings = settings;
        this.topic = topic;
        // the priority of checkpoints, as in DenoiseOperator
        mailbox = parameters.getContainingTask().getMailboxExecutorFactory().createExecutor(TaskMailbox.MIN_PRIORITY);
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        state = new TuningState(context.getOperatorStateStore());
    }

    @Override
    public void open() throws Exception {
        super.open();
        TorchOps.prepareThread(intraOpThreads(), true);
        place = DeviceShare.take(settings.device(), getRuntimeContext());
        shared = SharedModel.acquire(
                settings.model().locate(), place.device(), settings.computeType(), Kernels.DETERMINISTIC);
        GenerativeModel model = shared.model();
        decoder = new LabeledImageDecoder(
                new AvroCodec<>(LabeledImage.class, settings.wireFormat()), settings.framing(), model.imageSize());
        tuner = new FineTuner(model, settings.computeType(), settings.tuning());
        writer = new VersionWriter(settings.wireFormat(), settings.publisher(), model.baseHash());
        state.restore(tuner, writer, model.baseHash(), settings.tuning().strategy());
        nextStepAt = System.nanoTime();
        classesDueAt = nextStepAt;
        measured = FineTuneMetrics.in(metrics, tuner, () -> loss);
        if (topic != null) {
            follow(model, topic);
        }
        scheduleTurn();
    }

    /** Versions that others publish: what is there before the first step, later ones as mails. */
    private void follow(GenerativeModel model, ParameterTopic parameters) throws Exception {
        VersionAssembler assembler = VersionAssembler.of(settings.wireFormat(), new BaseTensors(model));
        ParameterFeed opened = ParameterFeed.open(parameters, assembler);
        feed = opened;
        if (opened.catchUp()) {
            take(assembler.version());
        }
        opened.follow(new VersionMails(mailbox, topic, this::take)); // otherwise it could publish over them
    }

    /** This job's own versions come back too; one that it does not know was published by somebody else. */
    private void take(LiveVersion version) {
        if (version.getCommit().getVersion() > tuner.version()) {
            LOG.info(
                    "going on from version {} of {}",
                    version.getCommit().getVersion(),
                    version.getCommit().getPublisher());
            tuner.adopt(version);
        }
    }

    @Override
    public void processElement(StreamRecord<SourceRecord> element) {
        SourceRecord record = element.getValue();
        writer.took(record);
        try {
            learn(decoder.decode(record.value()));
            lastLabelAt = record.timestamp();
        } catch (RequestException e) {
            measured.deadLetters().add(e.code());
            output.collect(
                    FineTuneOperatorFactory.DEAD_LETTERS,
                    new StreamRecord<>(record.deadLetter(null, e.code(), String.valueOf(e.getMessage()))));
        }
        scheduleTurn();
    }

    private void learn(LabeledImageDecoder.Decoded decoded) throws RequestException {
        LabeledImage label = decoded.label();
        Taxonomy.ClassName name = new Taxonomy.ClassName(label.getSuperclass(), label.getSubclass());
        try {
            tuner.requireConsistent(name); // before the image is encoded
        } catch (IllegalArgumentException e) {
            throw new RequestException(ReasonCode.INVALID, String.valueOf(e.getMessage()));
        }
        float[] latent = shared.model().encode(decoded.planes());
        boolean classesWaited = tuner.hasUnpublishedClasses();
        tuner.add(label.getImageId(), name, latent, label.getUse() == ImageUse.LEARN);
        if (tuner.hasUnpublishedClasses() && !classesWaited) {
            classesDueAt = System.nanoTime() + CLASSES_GATHERED.toNanos();
        }
        measured.labeledImages().inc();
    }

    /** The next turn is a mail at once, or when something is due. */
    private void scheduleTurn() {
        long wait = nanosUntilDue();
        if (wait <= 0 && !turnQueued) {
            turnQueued = true;
            new Mails(mailbox).send("fine-tuning step", this::turn);
        } else if (wait > 0 && wait < Long.MAX_VALUE && !timerSet) {
            timerSet = true;
            long now = getProcessingTimeService().getCurrentProcessingTime();
            getProcessingTimeService().registerTimer(now + 1 + wait / 1_000_000, time -> {
                timerSet = false;
                scheduleTurn();
            });
        }
    }

    private long nanosUntilDue() {
        if (tuner.candidateDue()) {
            return 0;
        }
        long now = System.nanoTime();
        long step = tuner.owesStep() ? nextStepAt - now : Long.MAX_VALUE;
        long classes = tuner.hasUnpublishedClasses() ? classesDueAt - now : Long.MAX_VALUE;
        return Math.min(step, classes);
    }

    private void turn() {
        turnQueued = false;
        if (getContainingTask().isCanceled()) {
            throw new CancelTaskException("cancelled between two fine-tuning steps");
        }
        long now = System.nanoTime();
        if (tuner.hasUnpublishedClasses() && classesDueAt - now <= 0) {
            publish(false, List.of());
        } else if (tuner.candidateDue()) {
            measure();
        } else if (tuner.owesStep() && nextStepAt - now <= 0) {
            nextStepAt = now + (long) (1e9 / settings.maxStepsPerSecond());
            step();
        }
        scheduleTurn();
    }

    private void step() {
        long start = System.nanoTime();
        FineTuner.Step step = tuner.step();
        measured.optimizerStepMillis().update((System.nanoTime() - start) / 1_000_000);
        measured.optimizerSteps().inc();
        loss = step.losses().mse();
        if (step.rolledBack() != null) {
            measured.rollBacks().inc();
            LOG.warn("{}; going on from the last good state", step.rolledBack());
        }
    }

    private void measure() {
        FineTuner.Verdict verdict = tuner.measure();
        if (verdict == null) {
            return;
        }
        if (verdict.passed()) {
            measured.candidatesPromoted().inc();
            publish(true, verdict.results());
            return;
        }
        measured.candidatesHeldBack().inc();
        long now = getProcessingTimeService().getCurrentProcessingTime();
        output.collect(new StreamRecord<>(writer.heldBack(tuner.progress(), verdict, Instant.ofEpochMilli(now)), now));
        LOG.warn("a candidate of step {} is held back: {}", tuner.stepsDone(), verdict.results());
        if (verdict.rolledBack()) {
            measured.rollBacks().inc();
            LOG.warn("it was one too many; going on from version {}", tuner.version());
        }
    }

    /** Slices and commit record leave within one mail, so that they are in one transaction. */
    private void publish(boolean learnedAnything, List<Gate.Result> gate) {
        Release release = tuner.publish(learnedAnything);
        long now = getProcessingTimeService().getCurrentProcessingTime();
        for (KeyedRecord record : writer.records(release, gate, Instant.ofEpochMilli(now))) {
            output.collect(new StreamRecord<>(record, now));
        }
        if (learnedAnything && lastLabelAt != ConsumerRecord.NO_TIMESTAMP) {
            measured.labelToVersionMillis().update(now - lastLabelAt);
        }
        LOG.info(
                "version {} of step {}: {} slices, {} new classes",
                release.version(),
                release.step(),
                release.slices().size(),
                release.addedClasses().size());
        if (release.version() % settings.adapterEvery() == 0) {
            writeAdapter();
        }
    }

    /** A file that is there already is that of the same version, made before a failure. */
    private void writeAdapter() {
        String directory = settings.adapters();
        if (directory == null || tuner.version() == 0) {
            return;
        }
        try {
            tuner.writeAdapter(Path.of(directory), shared.model().baseHash());
        } catch (IOException e) {
            LOG.error("the adapter of version {} could not be written: {}", tuner.version(), e.getMessage());
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        state.save(tuner, writer, shared.model().baseHash(), settings.tuning().strategy());
    }

    /** A savepoint is kept by somebody: beside it lies the version it has, for use without Flink. */
    @Override
    public OperatorSnapshotFutures snapshotState(
            long checkpointId, long timestamp, CheckpointOptions options, CheckpointStreamFactory factory)
            throws Exception {
        if (options.getCheckpointType().isSavepoint()) {
            writeAdapter();
        }
        return super.snapshotState(checkpointId, timestamp, options, factory);
    }

    /** At the end of a bounded input everything that came is still learned. */
    @Override
    public void endInput() throws Exception {
        while (nanosUntilDue() < Long.MAX_VALUE) {
            scheduleTurn();
            mailbox.yield();
        }
    }

    FineTuner tuner() {
        return tuner;
    }

    @Override
    public void close() throws Exception {
        try (DeviceShare closedLast = place;
                SharedModel closedSecond = shared;
                FineTuner closedBefore = tuner;
                ParameterFeed closedFirst = feed) {
            if (tuner != null) {
                writeAdapter();
            }
            super.close();
        }
    }

    private int intraOpThreads() {
        return settings.intraOpThreads() > 0
                ? settings.intraOpThreads()
                : Runtime.getRuntime().availableProcessors();
    }
}
