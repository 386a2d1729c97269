package io.finestream.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.ComputeType;
import io.finestream.dit.DiT;
import io.finestream.dit.DiTConfig;
import io.finestream.dit.Label;
import io.finestream.weights.GenerativeModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * One pass of networks with fresh weights. No two rows share a timestep or a class.
 *
 * @param networks by what they are called
 * @param rows of a pass
 * @param repeats in turns with the others and with the ceiling
 */
record ForwardBench(Map<String, DiTConfig> networks, int rows, int repeats) {

    private static final int ROWS = 8;
    private static final int SUBCLASSES = 1000;
    private static final int XL_BLOCKS = 4;

    /** DiT-S/2, and a few blocks of DiT-XL/2, which say as much as all 28; both have 256 tokens. */
    static ForwardBench published(int repeats) {
        DiTConfig s = DiTConfig.published("S/2", 256, SUBCLASSES, 1, false);
        DiTConfig xl = DiTConfig.published("XL/2", 256, SUBCLASSES, 1, false);
        DiTConfig shallow = new DiTConfig(
                xl.inputSize(),
                xl.patchSize(),
                xl.inChannels(),
                xl.hiddenSize(),
                XL_BLOCKS,
                xl.numHeads(),
                SUBCLASSES,
                1,
                false);
        Map<String, DiTConfig> networks = new LinkedHashMap<>();
        networks.put("S/2", s);
        networks.put("XL/2 (" + XL_BLOCKS + " blocks)", shallow);
        return new ForwardBench(networks, ROWS, repeats);
    }

    private record Case(String name, ComputeType type, GenerativeModel model, ShortestTime time) {}

    /** @param directory for the models */
    List<Measurement> run(Path directory, List<ComputeType> types, Ceiling ceiling) throws IOException {
        List<Case> cases = new ArrayList<>();
        try {
            for (Map.Entry<String, DiTConfig> network : networks.entrySet()) {
                RandomModel model = RandomModel.write(
                        directory.resolve("network-" + cases.size()), network.getKey(), network.getValue());
                for (ComputeType type : types) {
                    cases.add(new Case(network.getKey(), type, model.load(type), new ShortestTime()));
                }
            }
            for (int i = 0; i <= repeats; i++) { // the first warms up
                for (Case one : cases) {
                    ceiling.again(one.type());
                    pass(one);
                }
            }
            return cases.stream().map(this::measurement).toList();
        } finally {
            cases.forEach(one -> one.model().close());
        }
    }

    private void pass(Case one) {
        DiT dit = one.model().diffusion().dit();
        DiTConfig config = dit.config();
        int[] t = IntStream.range(0, rows).map(row -> 999 * row / rows).toArray();
        List<Label> labels = IntStream.range(0, rows).mapToObj(Label::subclass).toList();
        try (NDManager m = one.model().newManager()) {
            NDArray x = m.randomNormal(
                    new Shape(rows, config.inChannels(), config.inputSize(), config.inputSize())); // [B, C, H, W]
            one.time().of(() -> dit.forward(m, x, t, labels));
        }
    }

    private Measurement measurement(Case one) {
        DiTConfig config = one.model().config().dit();
        long nanos = one.time().nanos();
        return Measurement.of(Part.FORWARD, "%s, %d rows of %d tokens".formatted(one.name(), rows, config.tokens()))
                .in(one.type())
                .tookNanos(nanos)
                .made(rows, "rows", nanos)
                .computed(2 * config.multiplyAdds() * rows, nanos);
    }
}
