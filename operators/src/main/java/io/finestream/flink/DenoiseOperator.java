package io.finestream.flink;

import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.SampleSpec;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Trajectory;
import io.finestream.torch.TorchOps;
import io.finestream.versions.BaseTensors;
import io.finestream.versions.VersionAssembler;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.SharedModel;
import io.finestream.weights.WeightsException;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.metrics.Gauge;
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
    private static final Logger LOG = LoggerFactory.getLogger(DenoiseOperator.class);

    private final GenerationSettings settings;
    private final @Nullable ParameterTopic parameters;
    private final MailboxExecutor mailbox;
    private final Deque<PendingRequest> pending = new ArrayDeque<>();
    private final List<Trajectory> restored = new ArrayList<>();

    private transient ListState<Trajectory> inFlightState;
    private transient ListState<PendingRequest> pendingState;
    private transient ListState<LiveVersion> versionState;
    private transient SavedVersions restoredVersions;
    private transient SharedModel shared;
    private transient RequestReader reader;
    private transient Trajectories trajectories;
    private transient LiveVersions live;
    private transient @Nullable ParameterFeed feed;
    private transient DenoiseMetrics measured;
    private boolean stepScheduled;
    private boolean admittedSinceStep;

    @SuppressWarnings("NullAway.Init") // Flink calls initializeState and open before anything else
    DenoiseOperator(
            StreamOperatorParameters<Trajectory> operatorParameters,
            GenerationSettings settings,
            @Nullable ParameterTopic parameters) {
        super(operatorParameters);
        this.settings = settings;
        this.parameters = parameters;
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
        for (Trajectory trajectory : inFlightState.get()) {
            restored.add(trajectory);
        }
        for (PendingRequest request : pendingState.get()) {
            pending.add(request);
        }
        restoredVersions = SavedVersions.of(versionState.get(), restored);
    }

    @Override
    public void open() throws Exception {
        super.open();
        TorchOps.prepareThread(
                settings.engineThreads(getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks()), false);
        shared = SharedModel.acquire(
                settings.model().locate(), Devices.choose(settings.device(), subtask()), settings.computeType());
        GenerativeModel model = shared.model();
        RequestResolver resolver = new RequestResolver(model.config(), settings.maxCount());
        reader = new RequestReader(settings.wireFormat(), resolver);
        trajectories = new Trajectories(model, resolver);
        live = new LiveVersions(model, settings);
        measured = DenoiseMetrics.in(metrics, live);
        metrics.gauge("pendingRequests", (Gauge<Integer>) pending::size);
        live.restore(restoredVersions.versions());
        for (Trajectory trajectory : restored) {
            live.resume(trajectories.resume(trajectory));
        }
        live.dropDrained();
        restored.clear();
        if (parameters != null) {
            follow(parameters);
        }
        admitPending();
        scheduleStep();
    }

    /** Waits for the versions that are there: the first request may be for a class that only the newest knows. */
    private void follow(ParameterTopic topic) throws IOException {
        VersionAssembler assembler = VersionAssembler.of(settings.wireFormat(), new BaseTensors(shared.model()));
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
     * Takes a request in. While the batch is full it holds the input for about one step, which paces intake to what is
     * finished; holding it longer would hold checkpoints too, so the request then waits in {@link #pending}.
     */
    @Override
    public void processElement(StreamRecord<SourceRecord> element) throws Exception {
        SourceRecord record = element.getValue();
        try {
            pending.add(reader.read(record, live.taxonomy(), Instant.now()));
        } catch (RequestException e) {
            measured.deadLetters().inc();
            output.collect(
                    DenoiseOperatorFactory.DEAD_LETTERS,
                    new StreamRecord<>(record.deadLetter(e.requestId(), e.code(), String.valueOf(e.getMessage()))));
            return;
        }
        admittedSinceStep |= admitPending();
        scheduleStep();
        long heldSince = System.nanoTime();
        while (pending.size() >= settings.maxPending() || (!pending.isEmpty() && mayHold(heldSince))) {
            // not a mail: a checkpoint in the middle of this record would have it read twice
            step();
            admitPending();
        }
    }

    private static boolean mayHold(long since) {
        return System.nanoTime() - since < GenerationSettings.ADMISSION_WAIT.toNanos();
    }

    /** Moves waiting samples into the batch while there is room; says whether any moved. */
    private boolean admitPending() {
        boolean admitted = false;
        while (!pending.isEmpty()) {
            PendingRequest from = pending.peek();
            Trajectory next = trajectories.next(from, live.newestVersion(), live.taxonomy());
            SampleSpec spec = trajectories.spec(next);
            if (!live.hasRoomFor(spec)) {
                return admitted;
            }
            live.admit(next, spec);
            admitted = true;
            from.setNextSample(from.getNextSample() + 1);
            if (from.getNextSample()
                    == from.getRequest().getFirstSample() + from.getRequest().getCount()) {
                pending.remove();
            }
        }
        return admitted;
    }

    private void scheduleStep() {
        if (!stepScheduled && !live.isEmpty()) {
            stepScheduled = true;
            mailbox.execute(this::stepMail, "denoise step");
        }
    }

    private void stepMail() {
        stepScheduled = false;
        if (admittedSinceStep && pending.isEmpty()) {
            // Flink reads one record between two mails: look for another before a step that has room for it
            admittedSinceStep = false;
            scheduleStep();
            return;
        }
        admittedSinceStep = false;
        step();
        admitPending();
        scheduleStep();
    }

    private void step() {
        if (getContainingTask().isCanceled()) {
            throw new CancelTaskException("cancelled between two denoising steps");
        }
        long stepsBefore = live.stepsDone();
        long rowsBefore = live.rowsDone();
        List<Trajectory> advancing = live.trajectories();
        long start = System.nanoTime();
        List<DenoiseBatch.Finished<Trajectory>> finished = live.step();
        long nanos = System.nanoTime() - start;
        measured.steps().inc(live.stepsDone() - stepsBefore);
        measured.rows().inc(live.rowsDone() - rowsBefore);
        measured.rowsPerStep().update(live.rowsDone() - rowsBefore);
        measured.stepMillis().update(nanos / 1_000_000);
        measured.samples().inc(finished.size());
        advancing.forEach(trajectory -> trajectory.setDenoiseNanos(trajectory.getDenoiseNanos() + nanos));
        for (DenoiseBatch.Finished<Trajectory> done : finished) {
            Trajectory trajectory = Trajectories.finish(done);
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
        pendingState.update(new ArrayList<>(pending));
        versionState.update(live.saved());
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
        try (SharedModel closedLast = shared;
                LiveVersions closedSecond = live;
                ParameterFeed closedFirst = feed) { // its thread reads the model
            super.close();
        }
    }

    private int subtask() {
        return getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
    }
}
