package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.Device;
import io.finestream.TinyModel;
import io.finestream.diffusion.Respacing;
import io.finestream.diffusion.SampleSpec;
import io.finestream.diffusion.Sampler;
import io.finestream.dit.ComputeType;
import io.finestream.dit.Taxonomy;
import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.SamplerName;
import io.finestream.weights.GenerativeModel;
import java.nio.file.Path;
import java.time.Instant;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RequestResolverTest {

    @TempDir
    static Path directory;

    private static RequestResolver resolver;
    private static Taxonomy taxonomy;

    @BeforeAll
    static void readModel() throws Exception {
        Path files = TinyModel.write(directory, 1);
        try (GenerativeModel model = GenerativeModel.load(files, Device.cpu(), ComputeType.FP32)) {
            resolver = new RequestResolver(model.config(), 1);
            taxonomy = model.taxonomy();
        }
    }

    @Test
    void everySamplerOfTheWireIsKnown() throws Exception {
        assertThat(spec(SamplerName.DDIM, 20, "").sampler()).isEqualTo(new Sampler.Ddim(0.25));
        assertThat(spec(SamplerName.DDPM, 20, "").sampler()).isEqualTo(new Sampler.Ddpm());
        assertThat(spec(SamplerName.DPM_SOLVER_PP, 20, "").sampler()).isEqualTo(new Sampler.DpmSolverPp());
        assertThat(spec(SamplerName.UNIPC, 20, "").sampler()).isEqualTo(new Sampler.UniPc());
    }

    @Test
    void aTrajectoryIsAsLongAsItsSamplerMakesIt() throws Exception {
        assertThat(spec(SamplerName.DDPM, 1000, "").steps()).isEqualTo(1000);
        assertThat(spec(SamplerName.UNIPC, 1000, "").steps()).isEqualTo(999);
        assertThat(spec(SamplerName.DDPM, 20, "10,15,20").steps()).isEqualTo(45);
        SampleSpec strided = spec(SamplerName.DDIM, 20, "ddim50");
        assertThat(strided.steps()).isEqualTo(50);
        assertThat(strided.sampler())
                .isEqualTo(new Sampler.Respaced(new Sampler.Ddim(0.25), Respacing.parse("ddim50")));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DDIM | 0 | '' | steps is 0, expected 1 to 1000",
                "UNIPC | 1001 | '' | steps is 1001, expected 1 to 1000",
                "DDIM | 20 | fifty | respacing is 'fifty', expected a number of timesteps (250)",
                "DDPM | 20 | ddim60 | respacing is 'ddim60', but no whole stride visits 60 of 1000 timesteps",
                "UNIPC | 20 | 50 | respacing is '50', which goes with DDIM or DDPM",
            })
    void whatDoesNotGoTogetherIsRefused(SamplerName sampler, int steps, String respacing, String reason) {
        assertThatThrownBy(() -> spec(sampler, steps, respacing))
                .isInstanceOf(RequestException.class)
                .hasMessageStartingWith(reason);
    }

    @Test
    void aCacheGoesWithSamplersThatAddNoNoise() throws RequestException {
        assertThat(spec(SamplerName.UNIPC, 20, "", 3).sampler()).isEqualTo(new Sampler.Cached(new Sampler.UniPc(), 3));
        assertThatThrownBy(() -> spec(SamplerName.DDPM, 20, "", 3))
                .isInstanceOf(RequestException.class)
                .hasMessageStartingWith("cache interval is 3 for Ddpm[], which adds noise");
    }

    private static SampleSpec spec(SamplerName sampler, int steps, String respacing) throws RequestException {
        return spec(sampler, steps, respacing, 1);
    }

    private static SampleSpec spec(SamplerName sampler, int steps, String respacing, int cacheInterval)
            throws RequestException {
        GenerationRequest request = GenerationRequest.newBuilder()
                .setRequestId("r")
                .setSubclassId(2)
                .setSampler(sampler)
                .setEta(0.25)
                .setSteps(steps)
                .setRespacing(respacing)
                .setCacheInterval(cacheInterval)
                .build();
        int subclass = resolver.resolve(request, taxonomy, Instant.now());
        return resolver.spec(request, subclass, taxonomy.superclassOf(subclass), 0);
    }
}
