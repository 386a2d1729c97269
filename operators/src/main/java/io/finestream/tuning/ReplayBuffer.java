package io.finestream.tuning;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.function.IntPredicate;

/**
 * What was seen before, within a budget for all classes together. Each class keeps a uniform sample of its stream
 * (reservoir sampling, algorithm R of Vitter 1985); where the budget is used up, the largest class gives way, so that in
 * the end every class has a like share.
 *
 * <p>What happens to an image depends on the seed and on the images before it, so that a restored buffer goes on as if
 * it had never stopped.
 */
final class ReplayBuffer {

    private final int capacity;
    private final long seed;
    private final Map<Integer, List<LabeledLatent>> byClass = new TreeMap<>();
    private final List<Integer> classes = new ArrayList<>(); // of byClass, in the order in which they came
    private final Map<Integer, Long> seen = new HashMap<>();
    private int size;

    /** @param capacity most images, at least 1 */
    ReplayBuffer(int capacity, long seed) {
        if (capacity < 1) {
            throw new IllegalArgumentException("the replay buffer holds " + capacity
                    + " images, expected at least 1; raise the budget of bytes above the size of one latent");
        }
        this.capacity = capacity;
        this.seed = seed;
    }

    /** Takes an image in, or lets it pass. */
    void offer(LabeledLatent image) {
        long count = seen.merge(image.subclass(), 1L, Long::sum);
        SplittableRandom random = new SplittableRandom((seed * 1_000_003 + image.subclass()) * 1_000_003 + count);
        List<LabeledLatent> kept = byClass.get(image.subclass());
        int share = Math.max(1, capacity / (classes.size() + (kept == null ? 1 : 0)));
        if (kept != null && (kept.size() >= share || kept.size() < count - 1)) {
            long place = random.nextLong(count); // the class is sampled from now on
            if (place < kept.size()) {
                kept.set((int) place, image);
            }
            return;
        }
        add(image);
        if (size > capacity) {
            dropOne(random);
        }
    }

    private void add(LabeledLatent image) {
        byClass.computeIfAbsent(image.subclass(), subclass -> {
                    classes.add(subclass);
                    return new ArrayList<>();
                })
                .add(image);
        size++;
    }

    private void dropOne(SplittableRandom random) {
        Map.Entry<Integer, List<LabeledLatent>> largest = byClass.entrySet().stream()
                .max(Comparator.comparingInt(entry -> entry.getValue().size()))
                .orElseThrow();
        List<LabeledLatent> images = largest.getValue();
        images.remove(random.nextInt(images.size()));
        size--;
        if (images.isEmpty()) {
            byClass.remove(largest.getKey());
            classes.remove(largest.getKey());
        }
    }

    /** An image of a class drawn evenly. */
    LabeledLatent draw(SplittableRandom random) {
        List<LabeledLatent> images = Objects.requireNonNull(byClass.get(classes.get(random.nextInt(classes.size()))));
        return images.get(random.nextInt(images.size()));
    }

    /** At most {@code count} images of those classes that {@code wanted} accepts, spread over classes; always the same. */
    List<LabeledLatent> spread(int count, IntPredicate wanted) {
        List<List<LabeledLatent>> columns = byClass.entrySet().stream()
                .filter(entry -> wanted.test(entry.getKey()))
                .map(Map.Entry::getValue)
                .toList();
        List<LabeledLatent> spread = new ArrayList<>();
        boolean more = true;
        for (int round = 0; more && spread.size() < count; round++) {
            more = false;
            // where there are more classes than images are wanted, every k-th class
            int stride = Math.max(1, columns.size() / count);
            for (int column = 0; column < columns.size() && spread.size() < count; column += stride) {
                if (round < columns.get(column).size()) {
                    spread.add(columns.get(column).get(round));
                    more = true;
                }
            }
        }
        return spread;
    }

    boolean isEmpty() {
        return size == 0;
    }

    int size() {
        return size;
    }

    /** Everything that is kept: class by class in the order in which classes came, as {@link #restore} takes it. */
    List<LabeledLatent> images() {
        return classes.stream().map(byClass::get).flatMap(Collection::stream).toList();
    }

    /** Images offered so far, by class. */
    Map<Integer, Long> seen() {
        return Map.copyOf(seen);
    }

    /** Fills an empty buffer with what {@link #images} and {@link #seen} were. */
    void restore(List<LabeledLatent> images, Map<Integer, Long> seenBefore) {
        images.forEach(this::add);
        seen.putAll(seenBefore);
    }
}
