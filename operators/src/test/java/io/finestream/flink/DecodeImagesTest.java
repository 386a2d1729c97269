package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.dit.ComputeType;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.Trajectory;
import io.finestream.weights.GenerativeModel;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.runtime.checkpoint.OperatorSubtaskState;
import org.apache.flink.streaming.api.datastream.DataStream;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.streaming.api.transformations.OneInputTransformation;
import org.apache.flink.streaming.util.OneInputStreamOperatorTestHarness;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DecodeImagesTest {

    @TempDir
    static Path directory;

    private static GenerationSettings settings;
    private static List<Trajectory> denoised;

    @BeforeAll
    static void denoise() throws Exception {
        settings = GenerationSettings.forModel(
                        TinyModel.write(directory.resolve("model"), 1).toString())
                .withMaxRows(4);
        try (DenoiseHarness denoise = DenoiseHarness.open(settings)) {
            denoise.process(DenoiseHarness.request("r", 3, 3));
            denoise.drain();
            denoised = denoise.extractOutputValues();
        }
    }

    @Test
    void imagesAreThoseOfTheModel() throws Exception {
        Map<Integer, ByteBuffer> expected = new TreeMap<>();
        try (GenerativeModel model = GenerativeModel.load(settings.model().locate(), Device.cpu(), ComputeType.FP32)) {
            for (Trajectory done : denoised) {
                expected.put(done.getSample(), ByteBuffer.wrap(Images.toPng(model.decode(Trajectories.latent(done)))));
            }
        }
        try (var decode = open(settings, null)) {
            decodeAll(decode);
            decode.endInput();
            assertThat(pngs(decode)).hasSize(3).isEqualTo(expected);
        }
    }

    @Test
    void nothingIsDecodedOnTheThreadOfTheTask() throws Exception {
        List<Thread> decoders;
        try (var decode = open(settings, null)) {
            decodeAll(decode);
            decoders = decoders();
            assertThat(decoders).hasSize(1);
            // results come by mail, and none has been taken
            assertThat(decode.extractOutputValues()).isEmpty();
        }
        decoders.get(0).join(); // it ends with the operator
    }

    @Test
    void whatWaitsToBeDecodedIsInTheCheckpoint() throws Exception {
        OperatorSubtaskState state;
        try (var decode = open(settings, null)) {
            decodeAll(decode);
            state = decode.snapshot(1, 0);
            assertThat(decode.extractOutputValues()).isEmpty();
        }
        try (var decode = open(settings, state)) {
            decode.endInput();
            assertThat(pngs(decode)).containsOnlyKeys(0, 1, 2);
            assertThat(decode.extractOutputValues()).hasSize(3);
        }
    }

    private static List<Thread> decoders() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("decode "))
                .toList();
    }

    private static void decodeAll(OneInputStreamOperatorTestHarness<Trajectory, GeneratedImage> decode)
            throws Exception {
        for (Trajectory done : denoised) {
            decode.processElement(done, 0);
        }
    }

    private static Map<Integer, ByteBuffer> pngs(OneInputStreamOperatorTestHarness<Trajectory, GeneratedImage> decode) {
        Map<Integer, ByteBuffer> pngs = new TreeMap<>();
        for (GeneratedImage image : decode.extractOutputValues()) {
            pngs.put(image.getSample(), image.getImage());
        }
        return pngs;
    }

    /** The operator as the job has it. */
    static OneInputStreamOperatorTestHarness<Trajectory, GeneratedImage> open(
            GenerationSettings settings, OperatorSubtaskState state) throws Exception {
        RecordTypeInfo<Trajectory> type = new RecordTypeInfo<>(Trajectory.class);
        DataStream<Trajectory> stream =
                StreamExecutionEnvironment.getExecutionEnvironment().fromCollection(List.<Trajectory>of(), type);
        @SuppressWarnings("unchecked")
        var decoding = (OneInputTransformation<Trajectory, GeneratedImage>)
                DecodeImages.of(stream, settings).getTransformation();
        var harness = new OneInputStreamOperatorTestHarness<Trajectory, GeneratedImage>(
                decoding.getOperatorFactory(), DenoiseHarness.MAX_PARALLELISM, 1, 0);
        harness.getStreamConfig()
                .setupNetworkInputs(
                        type.createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        harness.getStreamConfig().serializeAllConfigs();
        harness.setup(new RecordTypeInfo<>(GeneratedImage.class)
                .createSerializer(harness.getExecutionConfig().getSerializerConfig()));
        if (state != null) {
            harness.initializeState(state);
        }
        harness.open();
        return harness;
    }
}
