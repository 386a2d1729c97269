package io.finestream.flink;

import io.finestream.TinyModel;
import io.finestream.diffusion.DenoiseBatch;
import io.finestream.schemas.ControlAction;
import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.GuidanceMode;
import io.finestream.schemas.GuidanceSpec;
import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.SamplerName;
import io.finestream.schemas.Trajectory;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.mailbox.Mail;
import org.apache.flink.streaming.runtime.tasks.mailbox.TaskMailbox;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;

/** A {@link DenoiseOperator} whose mailbox nothing but the test drives. */
final class DenoiseHarness extends OneInputStreamOperatorTestHarness<SourceRecord, Trajectory> {

    static final int MAX_PARALLELISM = 8;

    private static final AvroCodec<GenerationRequest> CODEC =
            new AvroCodec<>(GenerationRequest.class, new WireFormat.SingleObject());

    private long offset;
    private long controls;

    DenoiseHarness(GenerationSettings settings, int parallelism, int subtask) throws Exception {
        super(new DenoiseOperatorFactory(settings, null, null), MAX_PARALLELISM, parallelism, subtask);
        setup(new RecordTypeInfo<>(Trajectory.class)
                .createSerializer(getExecutionConfig().getSerializerConfig()));
    }

    /** One subtask, opened. */
    static DenoiseHarness open(GenerationSettings settings) throws Exception {
        DenoiseHarness harness = new DenoiseHarness(settings, 1, 0);
        harness.open();
        return harness;
    }

    /** What the operator takes for the time. */
    DenoiseHarness at(Instant now) throws Exception {
        setProcessingTime(now.toEpochMilli());
        return this;
    }

    /** Why requests were given up. */
    List<DeadLetter> deadLetters() {
        var letters = getSideOutput(DenoiseOperatorFactory.DEAD_LETTERS);
        return letters == null
                ? List.of()
                : letters.stream().map(StreamRecord::getValue).toList();
    }

    /** What was told, the earliest first. */
    List<GenerationEvent> events() {
        var events = getSideOutput(DenoiseOperatorFactory.EVENTS);
        return events == null
                ? List.of()
                : events.stream().map(StreamRecord::getValue).toList();
    }

    /** Hands the operator a cancellation as the feed does. */
    void cancel(String id) {
        operator().controls().control(controls++, new GenerationControl(id, ControlAction.CANCEL, Instant.EPOCH));
    }

    /** Steps that the samples of a request have done, the oldest first. */
    List<Integer> stepsDone(String id) {
        return live().progress().stream()
                .filter(sample -> sample.tag().getRequest().getRequestId().equals(id))
                .map(DenoiseBatch.Progress::step)
                .toList();
    }

    DenoiseOperator operator() {
        return (DenoiseOperator) getOperator();
    }

    LiveVersions live() {
        return operator().live();
    }

    void process(GenerationRequest request) throws Exception {
        processElement(new SourceRecord(null, CODEC.encode(request), "requests", 0, offset++, 0), 0);
    }

    /** Hands the operator a version as the feed does, and runs mails until it has it. */
    void swapTo(LiveVersion version) throws Exception {
        operator().versions().version(version);
        while (live().newestVersion() != version.getCommit().getVersion() && oneMail()) {
            // another mail
        }
    }

    boolean oneMail() throws Exception {
        Optional<Mail> mail = getTaskMailbox().tryTake(TaskMailbox.MIN_PRIORITY);
        if (mail.isPresent()) {
            mail.get().run();
        }
        return mail.isPresent();
    }

    /** A denoising step; before it, other mails: a swap, or a turn given up to look for more input. */
    void oneStep() throws Exception {
        long before = live().stepsDone();
        while (live().stepsDone() == before && oneMail()) {
            // another mail
        }
    }

    void drain() throws Exception {
        while (oneMail()) {
            // another mail
        }
    }

    List<String> ids() {
        return extractOutputValues().stream()
                .map(done -> done.getRequest().getRequestId())
                .toList();
    }

    /** The results by request and sample. */
    Map<String, List<Byte>> latents() {
        return latents(extractOutputValues());
    }

    static Map<String, List<Byte>> latents(List<Trajectory> done) {
        Map<String, List<Byte>> latents = new TreeMap<>();
        for (Trajectory trajectory : done) {
            List<Byte> bytes = new ArrayList<>();
            for (byte b : trajectory.getLatent().array()) {
                bytes.add(b);
            }
            latents.put(trajectory.getRequest().getRequestId() + "-" + trajectory.getSample(), bytes);
        }
        return latents;
    }

    /** A guided request; the id decides class and seed, the number of steps the sampler. */
    static GenerationRequest request(String id, int steps, int count) {
        return GenerationRequest.newBuilder()
                .setRequestId(id)
                .setSubclassId(Math.floorMod(id.hashCode(), TinyModel.CLASSES))
                .setSeed(id.hashCode())
                .setSteps(steps)
                .setCount(count)
                .setSampler(SamplerName.values()[steps % SamplerName.values().length])
                .setGuidance(GuidanceSpec.newBuilder()
                        .setMode(GuidanceMode.FINE_GRAINED)
                        .setScale(1.5)
                        .build())
                .build();
    }
}
