package io.finestream.flink;

import io.finestream.diffusion.DenoiseBatch;
import io.finestream.schemas.ControlState;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Trajectory;
import io.finestream.torch.TorchOps;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.VersionAssembler;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.WeightsException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.configuration.TaskManagerOptions;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.runtime.execution.CancelTaskException;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Denoises requests in a running batch. One denoising step is one mail: between two steps the task thread goes back to
 * the mailbox, so that checkpoints, new requests, new versions of the parameters and cancellation get in.
 *
 * <p>Samples in flight, requests that wait and the versions that they need are operator state: after a restore, at
 * whatever parallelism, a trajectory goes on from the step it had reached, with the parameters that it began with.
 */
final class DenoiseOperator extends AbstractStreamOperator<Trajectory>
        implements OneInputStreamOperator<SourceRecord, Trajectory>, BoundedOneInput {

    private static final long serialVersionUID = 1;
    /** Most records between two steps: they are read in a fraction of one, and what is urgent among them overtakes. */
    private static final int READ_AHEAD = 64;

    private static final Logger LOG = LoggerFactory.getLogger(DenoiseOperator.class);

    private final GenerationSettings settings;
    private final @Nullable ParameterTopic parameters;
    private final @Nullable ControlTopic control;
    private final MailboxExecutor mailbox;
    private final AdmissionQueue pending = new AdmissionQueue();
    private final Cancellations cancellations = new Cancellations();
    private final List<Trajectory> restored = new ArrayList<>();

    private transient ListState<Trajectory> inFlightState;
    private transient ListState<PendingRequest> pendingState;
    private transient ListState<LiveVersion> versionState;
    private transient ListState<ControlState> controlState;
    private transient SavedVersions restoredVersions;
    private transient PlannedModel planned;
    private transient RequestReader reader;
    private transient Trajectories trajectories;
    private transient LiveVersions live;
    private transient Deadlines deadlines;
    private transient ProgressEvents events;
    private transient Previews previews;
    private transient @Nullable ParameterFeed feed;
    private transient @Nullable ControlFeed controlFeed;
    private transient DenoiseMetrics measured;
    private boolean stepScheduled;
    private boolean readSinceTurn;
    private int readSinceStep;

    @SuppressWarnings("NullAway.Init") // Flink calls initializeState and open before anything else
    DenoiseOperator(
            StreamOperatorParameters<Trajectory> operatorParameters,
            GenerationSettings settings,
            @Nullable ParameterTopic parameters,
            @Nullable ControlTopic control) {
        super(operatorParameters);
        this.settings = settings;
        this.parameters = parameters;
        this.control = control;
        // the priority of checkpoints, so that they get in while the end of the input is drained
        mailbox = operatorParameters
                .getContainingTask()
                .getMailboxExecutorFactory()
                .createExecutor(TaskMailbox.MIN_PRIORITY);
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        inFlightState = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("in-flight", new AvroTypeInfo<>(Trajectory.class)));
        pendingState = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("pending", new AvroTypeInfo<>(PendingRequest.class)));
        versionState = context.getOperatorStateStore()
                .getUnionListState(new ListStateDescriptor<>("versions", new AvroTypeInfo<>(LiveVersion.class)));
        controlState = context.getOperatorStateStore()
                .getUnionListState(new ListStateDescriptor<>("control", new AvroTypeInfo<>(ControlState.class)));
        for (Trajectory trajectory : inFlightState.get()) {
            restored.add(trajectory);
        }
        for (PendingRequest request : pendingState.get()) {
            pending.add(request);
        }
        for (ControlState read : controlState.get()) {
            cancellations.restore(read);
        }
        restoredVersions = SavedVersions.of(versionState.get(), restored);
    }

    @Override
    public void open() throws Exception {
        super.open();
        planned = PlannedModel.open(settings, subtask(), slots());
        TorchOps.prepareThread(planned.plan().threads(), false);
        GenerativeModel model = planned.model();
        RequestResolver resolver = new RequestResolver(model.config(), settings.maxCount());
        reader = new RequestReader(settings.wireFormat(), resolver);
        trajectories = new Trajectories(model, resolver);
        live = new LiveVersions(model, planned.plan().rows(), settings.swap());
        previews = new Previews(new ModelThread(
                planned.share(), "previews " + getRuntimeContext().getTaskInfo().getTaskNameWithSubtasks()));
        events = new ProgressEvents(
                previews,
                new Mails(mailbox),
                event -> output.collect(DenoiseOperatorFactory.EVENTS, new StreamRecord<>(event)));
        deadlines = new Deadlines(reader, pending, live, events);
        measured = DenoiseMetrics.in(metrics, live, pending, this::now);
        live.restore(restoredVersions.versions());
        for (Trajectory trajectory : restored) {
            live.resume(trajectories.resume(trajectory));
        }
        live.dropDrained();
        logRestored();
        restored.clear();
        if (parameters != null) {
            follow(parameters);
        }
        if (control != null) {
            controlFeed = ControlFeed.open(control, settings.wireFormat(), cancellations.nextOffset(), controls());
            controlFeed.catchUp();
            controlFeed.follow();
        }
        admitPending();
        scheduleStep();
    }

    private void logRestored() {
        if (!restored.isEmpty() || pending.size() > 0) {
            LOG.info(
                    "restored: {} samples in flight go on, {} of them from a later step than the first, with {} steps done;"
                            + " requests that wait: {}",
                    restored.size(),
                    restored.stream().filter(sample -> sample.getStep() > 0).count(),
                    restored.stream().mapToInt(Trajectory::getStep).sum(),
                    pending.size());
        }
    }

    /** Takes what clients say about their requests as the feed brings it. */
    ControlFeed.Listener controls() {
        return new ControlMails(new Mails(mailbox), control, cancellations, () -> {
            dropCancelled(now());
            admitPending();
            scheduleStep();
        });
    }

    private void dropCancelled(Instant now) {
        Set<String> cancelled = cancellations.take(now);
        if (cancelled.isEmpty()) {
            return;
        }
        for (String id : cancelled) {
            pending.cancel(id).forEach(waiting -> events.ended(EventKind.CANCELLED, waiting, now));
        }
        live.drop(sample -> cancelled.contains(sample.getRequest().getRequestId()))
                .forEach(sample -> events.ended(EventKind.CANCELLED, sample, now));
    }

    /** Waits for the versions that are there: the first request may be for a class that only the newest knows. */
    private void follow(ParameterTopic topic) throws IOException {
        VersionAssembler assembler = VersionAssembler.of(settings.wireFormat(), new BaseTensors(planned.model()));
        LiveVersion newest = restoredVersions.newest();
        if (newest != null) {
            assembler.resume(newest);
        }
        feed = ParameterFeed.open(topic, assembler);
        if (feed.catchUp()) {
            swapTo(assembler.version());
        }
        feed.follow(versions());
    }

    /** Takes versions as the feed brings them. */
    ParameterFeed.Listener versions() {
        return new VersionMails(mailbox, parameters, version -> {
            swapTo(version);
            scheduleStep();
        });
    }

    private void swapTo(LiveVersion version) throws WeightsException {
        long start = System.nanoTime();
        live.swapTo(version);
        long millis = (System.nanoTime() - start) / 1_000_000;
        measured.swapMillis().update(millis);
        long age =
                System.currentTimeMillis() - version.getCommit().getCreatedAt().toEpochMilli();
        measured.versionAgeMillis().update(age);
        LOG.info(
                "swapped to version {} in {} ms, {} ms after it was made",
                version.getCommit().getVersion(),
                millis,
                age);
    }

    /**
     * Takes a request in. Where too many wait in {@link #pending} it holds the input until one of them is in the batch, and
     * Kafka holds the rest.
     */
    @Override
    public void processElement(StreamRecord<SourceRecord> element) throws Exception {
        SourceRecord record = element.getValue();
        Instant now = now();
        dropCancelled(now);
        try {
            PendingRequest request = reader.read(record, live.taxonomy(), now);
            if (cancellations.isCancelled(request.getRequest().getRequestId(), now)) {
                events.ended(EventKind.CANCELLED, request, now);
                return;
            }
            pending.add(request);
            events.accepted(request, now);
        } catch (RequestException e) {
            reject(record.deadLetter(e.requestId(), e.code(), String.valueOf(e.getMessage())));
            events.failed(e, now);
            return;
        }
        readSinceTurn = true;
        readSinceStep++;
        admitPending();
        scheduleStep();
        while (pending.size() >= settings.maxPending()) {
            // not a mail: a checkpoint in the middle of this record would have it read twice
            step();
            admitPending();
        }
    }

    private void reject(DeadLetter letter) {
        measured.deadLetters().add(letter.getReasonCode());
        output.collect(DenoiseOperatorFactory.DEAD_LETTERS, new StreamRecord<>(letter));
    }

    private Instant now() {
        return Instant.ofEpochMilli(getProcessingTimeService().getCurrentProcessingTime());
    }

    /** Moves waiting samples into the batch while there is room. */
    private void admitPending() {
        pending.share(live.rowsByRequest());
        PendingRequest from;
        while ((from = pending.next(this::hasRoomFor)) != null) {
            Trajectory next = next(from);
            live.admit(next, trajectories.spec(next));
            from.setNextSample(from.getNextSample() + 1);
            if (from.getNextSample()
                    == from.getRequest().getFirstSample() + from.getRequest().getCount()) {
                pending.remove(from);
            }
            pending.share(live.rowsByRequest());
        }
    }

    private boolean hasRoomFor(PendingRequest from) {
        return live.hasRoomFor(from.getRequest(), trajectories.spec(next(from)));
    }

    private Trajectory next(PendingRequest from) {
        return trajectories.next(from, live.newestVersion(), live.taxonomy());
    }

    private void scheduleStep() {
        if (!stepScheduled && !live.isEmpty()) {
            stepScheduled = true;
            new Mails(mailbox).send("denoise step", this::stepMail);
        }
    }

    private void stepMail() {
        stepScheduled = false;
        if (readSinceTurn && readSinceStep < READ_AHEAD) {
            // Flink reads one record between two mails: look for another before a step
            readSinceTurn = false;
            scheduleStep();
            return;
        }
        readSinceTurn = false;
        step();
        admitPending();
        scheduleStep();
    }

    private void step() {
        if (getContainingTask().isCanceled()) {
            throw new CancelTaskException("cancelled between two denoising steps");
        }
        readSinceStep = 0;
        Instant now = now();
        dropCancelled(now);
        deadlines.expire(now).forEach(this::reject);
        deadlines.shorten(now);
        if (live.isEmpty()) {
            return;
        }
        long stepsBefore = live.stepsDone();
        long rowsBefore = live.rowsDone();
        List<DenoiseBatch.Progress<Trajectory>> inFlight = live.progress();
        events.begin(inFlight, now);
        long start = System.nanoTime();
        List<DenoiseBatch.Finished<Trajectory>> finished = live.step(events);
        long nanos = System.nanoTime() - start;
        measured.step(
                live.stepsDone() - stepsBefore,
                live.rowsDone() - rowsBefore,
                planned.plan().rows(),
                nanos);
        inFlight.forEach(sample -> sample.tag().setDenoiseNanos(sample.tag().getDenoiseNanos() + nanos));
        events.stepped(live.progress(), now());
        for (DenoiseBatch.Finished<Trajectory> done : finished) {
            Trajectory trajectory = Trajectories.finish(done);
            events.done(trajectory, now());
            output.collect(new StreamRecord<>(
                    trajectory, trajectory.getSourceTimestamp().toEpochMilli()));
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        List<Trajectory> inFlight = new ArrayList<>();
        for (DenoiseBatch.InFlight<Trajectory> sample : live.inFlight()) {
            inFlight.add(Trajectories.save(sample));
        }
        inFlightState.update(inFlight);
        pendingState.update(pending.waiting());
        versionState.update(live.saved());
        // all subtasks read the same: one of them says what, and a restore reads on from there
        controlState.update(subtask() == 0 ? List.of(cancellations.saved()) : List.of());
    }

    /** At the end of a bounded input every trajectory still reaches its image. */
    @Override
    public void endInput() throws Exception {
        while (!live.isEmpty() || !pending.isEmpty()) {
            mailbox.yield();
        }
    }

    LiveVersions live() {
        return live;
    }

    @Override
    public void close() throws Exception {
        try (PlannedModel closedLast = planned;
                LiveVersions closedSecond = live;
                Previews closedWithModelOfTheirOwn = previews;
                ControlFeed closedToo = controlFeed;
                ParameterFeed closedFirst = feed) { // its thread reads the model
            super.close();
        }
    }

    private int subtask() {
        return getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
    }

    /** Subtasks of the job that may compute at once in this JVM. */
    private int slots() {
        int here = getContainingTask()
                .getEnvironment()
                .getTaskManagerInfo()
                .getConfiguration()
                .get(TaskManagerOptions.NUM_TASK_SLOTS);
        return Math.min(here, getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks());
    }
}
