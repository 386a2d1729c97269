package io.finestream.bench;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.dit.ComputeType;
import io.finestream.torch.TorchOps;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/**
 * The rate of products of large matrices on this machine, by arithmetic: the best that was seen, which a network can at
 * most reach. An arithmetic is measured when it is first asked for, and once more beside everything that is compared
 * with it, so that both meet the machine in the same state. Belongs to one thread.
 */
final class Ceiling implements AutoCloseable {

    private enum Form {
        /** The engine lays the weights out anew for every product. */
        LINEAR,
        PREPACKED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** x [rows, in] times weight [out, in]. */
    private record Size(int rows, int in, int out) {
        double flops() {
            return 2.0 * rows * in * out;
        }

        @Override
        public String toString() {
            return rows + " x " + in + " x " + out;
        }
    }

    private record Product(ComputeType type, Form form, Size size) {}

    private static final double NANOS_PER_SECOND = 1e9;
    private static final Size SMALLEST = new Size(1024, 1024, 1024);
    private static final List<Size> SIZES =
            List.of(SMALLEST, new Size(2048, 1152, 4608), new Size(2048, 4608, 1152), new Size(2048, 2048, 2048));

    private final int repeats;
    private final NDManager manager = TorchOps.newManager(Device.cpu());
    private final TorchOps ops = TorchOps.load(manager);
    private final Map<Product, ShortestTime> times = new LinkedHashMap<>();
    private final Set<ComputeType> measured = EnumSet.noneOf(ComputeType.class);

    /** @param repeats of every product, beside one that warms up */
    Ceiling(int repeats) {
        this.repeats = repeats;
    }

    /** Floating-point operations per second. */
    double flopsPerSecond(ComputeType type) {
        return rate(best(type));
    }

    /** Measures the best product of an arithmetic again. */
    void again(ComputeType type) {
        time(best(type), 1);
    }

    /**
     * Whether the processor seems to have no instructions for an arithmetic: a product takes more than twice the time that
     * it takes in float32. One is then all that is measured, since a pass of a large network would take minutes.
     */
    boolean isEmulated(ComputeType type) {
        return type != ComputeType.FP32 && rate(smallest(type)) < rate(smallest(ComputeType.FP32)) / 2;
    }

    private Product smallest(ComputeType type) {
        Product product = new Product(type, Form.LINEAR, SMALLEST);
        if (!times.containsKey(product)) {
            time(product, 1);
        }
        return product;
    }

    /** A line for each form of the product, in the size that is best for it. */
    List<Measurement> measurements(ComputeType type) {
        measureOnce(type);
        return Stream.of(Form.values())
                .flatMap(
                        form -> ofType(type)
                                .filter(product -> product.form() == form)
                                .max(Comparator.comparingDouble(this::rate))
                                .stream())
                .map(product -> Measurement.of(Part.CEILING, product.form() + ", " + product.size())
                        .in(type)
                        .tookNanos(nanos(product))
                        .computing(rate(product)))
                .toList();
    }

    private Product best(ComputeType type) {
        measureOnce(type);
        return ofType(type).max(Comparator.comparingDouble(this::rate)).orElseThrow();
    }

    private Stream<Product> ofType(ComputeType type) {
        return times.keySet().stream().filter(product -> product.type() == type);
    }

    private void measureOnce(ComputeType type) {
        if (measured.add(type)) {
            boolean emulated = isEmulated(type);
            for (Size size : emulated ? List.of(SMALLEST) : SIZES) {
                time(new Product(type, Form.LINEAR, size), emulated ? 1 : repeats);
                try {
                    time(new Product(type, Form.PREPACKED, size), emulated ? 1 : repeats);
                } catch (EngineException e) {
                    // oneDNN takes bfloat16 on some processors only: the other form is the ceiling
                }
            }
        }
    }

    private void time(Product product, int repetitions) {
        Size size = product.size();
        try (NDManager operands = manager.newSubManager()) {
            NDArray x = operand(operands, product.type(), size.rows(), size.in());
            NDArray plain = operand(operands, product.type(), size.out(), size.in());
            NDArray bias = operand(operands, product.type(), size.out());
            boolean packs = product.form() == Form.PREPACKED;
            NDArray weight = packs ? ops.packWeight(operands, plain) : plain;
            ShortestTime shortest = times.getOrDefault(product, new ShortestTime());
            for (int i = 0; i <= repetitions; i++) {
                try (NDManager m = operands.newSubManager()) {
                    shortest.of(() -> ops.linear(m, x, weight, bias));
                }
            }
            times.put(product, shortest);
        }
    }

    private NDArray operand(NDManager m, ComputeType type, long... shape) {
        return type.cast(ops, m, m.randomNormal(new Shape(shape)));
    }

    private double nanos(Product product) {
        return Objects.requireNonNull(times.get(product)).nanos();
    }

    private double rate(Product product) {
        return product.size().flops() / nanos(product) * NANOS_PER_SECOND;
    }

    @Override
    public void close() {
        manager.close();
    }
}
