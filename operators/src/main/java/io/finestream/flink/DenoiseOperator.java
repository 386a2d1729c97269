package io.finestream.flink;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.Noise;
import io.finestream.diffusion.SampleSpec;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.PendingRequest;
import io.finestream.schemas.Trajectory;
import io.finestream.torch.TorchOps;
import io.finestream.weights.GenerativeModel;
import io.finestream.weights.ModelDirectory;
import io.finestream.weights.SharedModel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.api.common.state.ListState;
import org.apache.flink.api.common.state.ListStateDescriptor;
import org.apache.flink.formats.avro.typeutils.AvroTypeInfo;
import org.apache.flink.metrics.Counter;
import org.apache.flink.metrics.Gauge;
import org.apache.flink.metrics.Histogram;
import org.apache.flink.runtime.execution.CancelTaskException;
import org.apache.flink.runtime.metrics.DescriptiveStatisticsHistogram;
import org.apache.flink.runtime.state.StateInitializationContext;
import org.apache.flink.runtime.state.StateSnapshotContext;
import org.apache.flink.streaming.api.operators.AbstractStreamOperator;
import org.apache.flink.streaming.api.operators.BoundedOneInput;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.StreamOperatorParameters;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;

/**
 * Denoises requests in a running batch. One denoising step is one mail: between two steps the task thread goes back to
 * the mailbox, so that checkpoints, new requests and cancellation get in.
 *
 * <p>Samples in flight and requests that wait are operator state: after a restore, at whatever parallelism, a trajectory
 * goes on from the step it had reached.
 */
final class DenoiseOperator extends AbstractStreamOperator<Trajectory>
        implements OneInputStreamOperator<PendingRequest, Trajectory>, BoundedOneInput {

    private static final long serialVersionUID = 1;
    private static final int HISTOGRAM_WINDOW = 1_000;

    private final GenerationSettings settings;
    private final MailboxExecutor mailbox;
    private final Deque<PendingRequest> pending = new ArrayDeque<>();
    private final List<Trajectory> restored = new ArrayList<>();

    private transient ListState<Trajectory> inFlightState;
    private transient ListState<PendingRequest> pendingState;
    private transient SharedModel shared;
    private transient RequestResolver resolver;
    private transient NDManager memory;
    private transient DenoiseBatch<Trajectory> batch;
    private transient Histogram stepMillis;
    private transient Histogram rowsPerStep;
    private transient Counter steps;
    private transient Counter rows;
    private transient Counter samples;
    private boolean stepScheduled;
    private boolean admittedSinceStep;

    @SuppressWarnings("NullAway.Init") // Flink calls initializeState and open before anything else
    DenoiseOperator(StreamOperatorParameters<Trajectory> parameters, GenerationSettings settings) {
        super(parameters);
        this.settings = settings;
        // the priority of checkpoints, so that they get in while the end of the input is drained
        mailbox = parameters.getContainingTask().getMailboxExecutorFactory().createExecutor(TaskMailbox.MIN_PRIORITY);
    }

    @Override
    public void initializeState(StateInitializationContext context) throws Exception {
        super.initializeState(context);
        inFlightState = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("in-flight", new AvroTypeInfo<>(Trajectory.class)));
        pendingState = context.getOperatorStateStore()
                .getListState(new ListStateDescriptor<>("pending", new AvroTypeInfo<>(PendingRequest.class)));
        for (Trajectory trajectory : inFlightState.get()) {
            restored.add(trajectory);
        }
        for (PendingRequest request : pendingState.get()) {
            pending.add(request);
        }
    }

    @Override
    public void open() throws Exception {
        super.open();
        Device device = Devices.choose(settings.device(), subtask());
        TorchOps.prepareThread(intraOpThreads(), false);
        shared = SharedModel.acquire(ModelDirectory.locate(settings.model()), device, settings.computeType());
        GenerativeModel model = shared.model();
        resolver = new RequestResolver(model.config(), model.taxonomy(), settings.maxCount());
        memory = model.newManager();
        batch = new DenoiseBatch<>(model.diffusion(), settings.maxRows(), Noise.SEEDED, memory);
        registerMetrics();
        restored.forEach(this::resume);
        restored.clear();
        admitPending();
        scheduleStep();
    }

    private void registerMetrics() {
        stepMillis = metrics.histogram("stepMillis", new DescriptiveStatisticsHistogram(HISTOGRAM_WINDOW));
        rowsPerStep = metrics.histogram("rowsPerStep", new DescriptiveStatisticsHistogram(HISTOGRAM_WINDOW));
        steps = metrics.counter("steps");
        rows = metrics.counter("rows");
        samples = metrics.counter("samples");
        metrics.gauge("pendingRequests", (Gauge<Integer>) pending::size);
        metrics.gauge("samplesInFlight", (Gauge<Integer>) () -> batch.size());
    }

    /**
     * Takes a request in. While the batch is full it holds the input for about one step, which paces intake to what is
     * finished; holding it longer would hold checkpoints too, so the request then waits in {@link #pending}.
     */
    @Override
    public void processElement(StreamRecord<PendingRequest> record) throws Exception {
        pending.add(record.getValue());
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
            PendingRequest next = pending.peek();
            GenerationRequest request = next.getRequest();
            int sample = next.getNextSample();
            SampleSpec spec = resolver.spec(request, next.getSubclassId(), sample);
            if (!batch.hasRoomFor(spec)) {
                return admitted;
            }
            batch.admit(start(next, sample), spec);
            admitted = true;
            next.setNextSample(sample + 1);
            if (sample + 1 == request.getFirstSample() + request.getCount()) {
                pending.remove();
            }
        }
        return admitted;
    }

    private Trajectory start(PendingRequest from, int sample) {
        return Trajectory.newBuilder()
                .setRequest(from.getRequest())
                .setSample(sample)
                .setSubclassId(from.getSubclassId())
                .setModelVersion(0)
                .setBaseModelHash(shared.model().baseHash())
                .setStep(0)
                .setLatent(ByteBuffer.allocate(0))
                .setEnqueuedAt(from.getEnqueuedAt())
                .setStartedAt(Instant.now())
                .setSourceTopic(from.getSourceTopic())
                .setSourcePartition(from.getSourcePartition())
                .setSourceOffset(from.getSourceOffset())
                .setSourceTimestamp(from.getSourceTimestamp())
                .build();
    }

    private void resume(Trajectory saved) {
        String base = shared.model().baseHash();
        if (!saved.getBaseModelHash().equals(base)) {
            throw new IllegalStateException("the saved trajectories were begun with the base model "
                    + saved.getBaseModelHash() + ", this job runs " + base
                    + "; start it with that model, or without the saved state");
        }
        SampleSpec spec = resolver.spec(saved.getRequest(), saved.getSubclassId(), saved.getSample());
        batch.resume(new DenoiseBatch.InFlight<>(saved, spec, saved.getStep(), floats(saved.getLatent())));
    }

    private void scheduleStep() {
        if (!stepScheduled && !batch.isEmpty()) {
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
        long rowsBefore = batch.rowsDone();
        long start = System.nanoTime();
        List<DenoiseBatch.Finished<Trajectory>> finished = batch.step();
        long nanos = System.nanoTime() - start;
        steps.inc();
        rows.inc(batch.rowsDone() - rowsBefore);
        rowsPerStep.update(batch.rowsDone() - rowsBefore);
        stepMillis.update(nanos / 1_000_000);
        batch.tags().forEach(trajectory -> trajectory.setDenoiseNanos(trajectory.getDenoiseNanos() + nanos));
        for (DenoiseBatch.Finished<Trajectory> done : finished) {
            Trajectory trajectory = done.tag();
            trajectory.setDenoiseNanos(trajectory.getDenoiseNanos() + nanos);
            trajectory.setStep(done.spec().steps());
            trajectory.setLatent(bytes(done.latent()));
            samples.inc();
            output.collect(new StreamRecord<>(
                    trajectory, trajectory.getSourceTimestamp().toEpochMilli()));
        }
    }

    @Override
    public void snapshotState(StateSnapshotContext context) throws Exception {
        super.snapshotState(context);
        List<Trajectory> inFlight = new ArrayList<>();
        for (DenoiseBatch.InFlight<Trajectory> sample : batch.inFlight()) {
            sample.tag().setStep(sample.step());
            sample.tag().setLatent(bytes(sample.latent()));
            inFlight.add(sample.tag());
        }
        inFlightState.update(inFlight);
        pendingState.update(new ArrayList<>(pending));
    }

    /** At the end of a bounded input every trajectory still reaches its image. */
    @Override
    public void endInput() throws Exception {
        while (!batch.isEmpty() || !pending.isEmpty()) {
            mailbox.yield();
        }
    }

    long stepsDone() {
        return batch.stepsDone();
    }

    @Override
    public void close() throws Exception {
        try (SharedModel closedLast = shared;
                NDManager closedFirst = memory) { // the batch's memory too
            super.close();
        }
    }

    private int subtask() {
        return getRuntimeContext().getTaskInfo().getIndexOfThisSubtask();
    }

    private int intraOpThreads() {
        int subtasks = getRuntimeContext().getTaskInfo().getNumberOfParallelSubtasks();
        return settings.intraOpThreads() > 0
                ? settings.intraOpThreads()
                : Math.max(1, Runtime.getRuntime().availableProcessors() / subtasks);
    }

    private static ByteBuffer bytes(float[] latent) {
        ByteBuffer bytes = ByteBuffer.allocate(latent.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        bytes.asFloatBuffer().put(latent);
        return bytes;
    }

    static float[] floats(ByteBuffer latent) {
        float[] values = new float[latent.remaining() / Float.BYTES];
        latent.duplicate().order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }
}
