package io.finestream.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.diffusion.SampleSpec;
import io.finestream.dit.ComputeType;
import io.finestream.dit.UnknownClassException;
import io.finestream.schemas.SamplerName;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TraceTest {

    @TempDir
    static Path directory;

    @TempDir
    Path dir;

    private static GenerativeModel model;

    @BeforeAll
    static void load() throws IOException {
        model = GenerativeModel.load(TinyModel.write(directory, 1), Device.cpu(), ComputeType.FP32);
    }

    @AfterAll
    static void close() {
        model.close();
    }

    @Test
    void gapsAreExponentialAndRequestsOfEveryKind() {
        Trace trace = Trace.poisson(model, 4_000, 5, 0.25, 3);
        List<Arrival> arrivals = trace.arrivals();
        assertThat(trace.perSecond()).isCloseTo(5, within(0.3));
        long longer = 0; // than the mean gap: e^-1 of them
        for (int i = 1; i < arrivals.size(); i++) {
            longer += arrivals.get(i).atMicros() - arrivals.get(i - 1).atMicros() > 200_000 ? 1 : 0;
        }
        assertThat(longer / 4_000.0).isCloseTo(Math.exp(-1), within(0.03));
        assertThat(arrivals)
                .extracting(Arrival::steps)
                .allSatisfy(steps -> assertThat(steps).isBetween(10, 50));
        assertThat(arrivals).extracting(Arrival::steps).contains(10, 50);
        assertThat(arrivals).extracting(Arrival::sampler).containsAll(EnumSet.allOf(SamplerName.class));
        assertThat(arrivals).extracting(Arrival::subclass).contains("class 0", "class 5");
        assertThat(arrivals).extracting(Arrival::seed).doesNotHaveDuplicates();
        assertThat(arrivals.stream()
                                .filter(arrival -> arrival.guidanceScale() == 2)
                                .count()
                        / 4_000.0)
                .isCloseTo(0.25, within(0.03));
        assertThat(Trace.meanRows(trace.specs(model))).isCloseTo(30 * 1.25, within(1.0));
    }

    @Test
    void aFileHasTheSameArrivals() throws IOException {
        Trace trace = Trace.poisson(model, 20, 3, 0.5, 4);
        Path file = dir.resolve("traces/a.jsonl");
        trace.write(file);
        assertThat(Trace.read(file)).isEqualTo(trace);
        assertThat(Files.readAllLines(file))
                .hasSize(20)
                .first()
                .asString()
                .matches("\\{\"at_micros\":\\d+,\"subclass\":\"class \\d\",\"steps\":\\d+,\"guidance_scale\":[12].0,"
                        + "\"sampler\":\"[A-Z_]+\",\"seed\":0}");
    }

    @Test
    void atAnotherRateTheRequestsAreTheSame() {
        Trace slow = Trace.poisson(model, 50, 1, 0.5, 5);
        Trace fast = slow.faster(4);
        assertThat(fast.specs(model)).isEqualTo(slow.specs(model));
        assertThat(fast.perSecond()).isCloseTo(4 * slow.perSecond(), within(1e-3));
        assertThat(Trace.poisson(model, 50, 4, 0.5, 5).perSecond()).isCloseTo(fast.perSecond(), within(1e-3));
    }

    @Test
    void whatComesFirstIsFirst() throws IOException {
        Path file = dir.resolve("mixed.jsonl");
        Files.writeString(file, """
                {"at_micros":7,"subclass":"#1","steps":5,"guidance_scale":1,"sampler":"UNIPC","seed":2}

                {"at_micros":3,"subclass":"class 4","steps":9,"guidance_scale":2.5,"sampler":"DDIM","seed":1}
                """);
        Trace trace = Trace.read(file);
        assertThat(trace.arrivals()).extracting(Arrival::atMicros).containsExactly(3L, 7L);
        assertThat(trace.specs(model)).extracting(SampleSpec::subclass).containsExactly(4, 1);
        assertThat(trace.specs(model)).extracting(Arrival::rows).containsExactly(18, 5);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "'steps':0| steps is 0, expected 1 to 1000",
                "'at_micros':-1| at_micros is -1, expected 0 or more",
                "'guidance_scale':1000| guidance scale is 1000.0",
                "'seed':'x'| not a valid `long` value",
                "'speed':1| Unrecognized field",
            })
    void aLineThatIsNoRequestIsNamed(String wrong, String why) throws IOException {
        String good =
                "{\"at_micros\":7,\"subclass\":\"1\",\"steps\":5,\"guidance_scale\":1,\"sampler\":\"DDIM\",\"seed\":2}";
        String field = wrong.substring(0, wrong.indexOf(':')).replace('\'', '"');
        String replaced = good.contains(field)
                ? good.replaceAll(field + ":[^,}]+", wrong.replace('\'', '"'))
                : good.replace("}", "," + wrong.replace('\'', '"') + "}");
        Path file = dir.resolve("wrong.jsonl");
        Files.write(file, List.of(good, replaced));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> Trace.read(file))
                .withMessageContaining("wrong.jsonl, line 2: ")
                .withMessageContaining(why);
    }

    @Test
    void aTraceOfAnotherModelsClassesIsRefused() {
        Trace trace = new Trace(List.of(new Arrival(0, "class 9", 5, 1, SamplerName.DDIM, 1)));
        assertThatThrownBy(() -> trace.specs(model))
                .isInstanceOf(UnknownClassException.class)
                .hasMessageContaining("there is no class 'class 9'");
    }
}
