package io.finestream.bench;

import io.finestream.codec.Images;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import io.finestream.gallery.SampleRecords;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.schemas.wire.WireFormatException;
import java.awt.image.BufferedImage;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** What a record costs beside the model: PNG, and Avro both ways. */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class RecordBenchmark {

    @Param({"64", "256"})
    public int pixels;

    private final AvroCodec<GenerationRequest> requests =
            new AvroCodec<>(GenerationRequest.class, new WireFormat.SingleObject());
    private final AvroCodec<GeneratedImage> images =
            new AvroCodec<>(GeneratedImage.class, new WireFormat.SingleObject());
    private final GenerationRequest request = GenerationRequest.newBuilder()
            .setRequestId("4f1f7a52-7a1e-4a0e-9a53-5b6a7c8d9e0f")
            .setSubclassId(0)
            .build();
    private final byte[] requestBytes = requests.encode(request);
    private BufferedImage picture;
    private GeneratedImage image;
    private byte[] imageBytes;

    @Setup
    public void draw() {
        Species species = Species.of(FlowerFamily.POPPY, 0);
        picture = FlowerRenderer.render(species, 1, pixels);
        image = SampleRecords.image(species, 1, pixels, 1);
        imageBytes = images.encode(image);
    }

    @Benchmark
    public byte[] png() {
        return Images.toPng(picture);
    }

    @Benchmark
    public byte[] encodeRequest() {
        return requests.encode(request);
    }

    @Benchmark
    public GenerationRequest decodeRequest() throws WireFormatException {
        return requests.decode(requestBytes);
    }

    @Benchmark
    public byte[] encodeImage() {
        return images.encode(image);
    }

    @Benchmark
    public GeneratedImage decodeImage() throws WireFormatException {
        return images.decode(imageBytes);
    }
}
