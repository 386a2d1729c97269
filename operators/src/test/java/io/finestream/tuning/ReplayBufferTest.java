package io.finestream.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReplayBufferTest {

    @Test
    void keepsNoMoreThanItsCapacity() {
        ReplayBuffer buffer = new ReplayBuffer(50, 1);
        for (int i = 0; i < 1_000; i++) {
            buffer.offer(image(i % 7, i));
            assertThat(buffer.size()).isLessThanOrEqualTo(50);
        }
        assertThat(buffer.size()).isBetween(42, 50);
    }

    @Test
    void everyClassHasALikeShareHoweverManyImagesItHad() {
        ReplayBuffer buffer = new ReplayBuffer(60, 1);
        for (int i = 0; i < 3_000; i++) {
            buffer.offer(image(0, i));
        }
        for (int i = 0; i < 60; i++) {
            buffer.offer(image(1, i));
            buffer.offer(image(2, i));
        }
        assertThat(perClass(buffer))
                .hasSize(3)
                .allSatisfy((subclass, count) -> assertThat(count).isBetween(18L, 22L));
    }

    @Test
    void aLateImageIsKeptAsOftenAsAnEarlyOne() {
        int kept = 0;
        int runs = 400;
        for (int seed = 0; seed < runs; seed++) {
            ReplayBuffer buffer = new ReplayBuffer(10, seed);
            for (int i = 0; i < 100; i++) {
                buffer.offer(image(0, i));
            }
            kept += (int) buffer.images().stream()
                    .filter(image -> Integer.parseInt(image.id()) >= 50)
                    .count();
        }
        assertThat(kept / (10.0 * runs)).isCloseTo(0.5, within(0.04));
    }

    @Test
    void drawsEvenlyOverClassesAndNotOverImages() {
        ReplayBuffer buffer = new ReplayBuffer(1_000, 1);
        for (int i = 0; i < 90; i++) {
            buffer.offer(image(0, i));
        }
        buffer.offer(image(1, 0));
        SplittableRandom random = new SplittableRandom(3);
        long rare = IntStream.range(0, 2_000)
                .filter(i -> buffer.draw(random).subclass() == 1)
                .count();
        assertThat(rare).isBetween(900L, 1_100L);
    }

    @Test
    void aRestoredBufferGoesOnAsIfItHadNeverStopped() {
        ReplayBuffer original = new ReplayBuffer(40, 5);
        for (int i = 0; i < 300; i++) {
            original.offer(image(i * 7 % 11, i));
        }
        ReplayBuffer restored = new ReplayBuffer(40, 5);
        restored.restore(original.images(), original.seen());
        for (int i = 300; i < 900; i++) {
            original.offer(image(i * 7 % 13, i));
            restored.offer(image(i * 7 % 13, i));
        }
        assertThat(ids(restored.images())).isEqualTo(ids(original.images()));
        assertThat(restored.seen()).isEqualTo(original.seen());
        SplittableRandom a = new SplittableRandom(1);
        SplittableRandom b = new SplittableRandom(1);
        for (int i = 0; i < 50; i++) {
            assertThat(restored.draw(a).id()).isEqualTo(original.draw(b).id());
        }
    }

    @Test
    void spreadTakesEveryClassBeforeItTakesOneTwice() {
        ReplayBuffer buffer = new ReplayBuffer(1_000, 1);
        for (int i = 0; i < 100; i++) {
            buffer.offer(image(i % 10, i));
        }
        List<LabeledLatent> twelve = buffer.spread(12, subclass -> subclass < 8);
        Map<Integer, Long> perClass =
                twelve.stream().collect(Collectors.groupingBy(LabeledLatent::subclass, Collectors.counting()));
        assertThat(perClass).hasSize(8);
        assertThat(perClass.values()).allMatch(count -> count <= 2);
        Set<LabeledLatent> different = new HashSet<>(twelve);
        assertThat(different).hasSize(12);
        assertThat(buffer.spread(4, subclass -> true)).hasSize(4);
        assertThat(buffer.spread(500, subclass -> true)).hasSize(100);
    }

    @Test
    void refusesABudgetBelowOneImage() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new ReplayBuffer(0, 1))
                .withMessageContaining("holds 0 images")
                .withMessageContaining("raise the budget");
    }

    private static List<String> ids(List<LabeledLatent> images) {
        return images.stream().map(image -> image.subclass() + "/" + image.id()).toList();
    }

    private static Map<Integer, Long> perClass(ReplayBuffer buffer) {
        return new HashMap<>(buffer.images().stream()
                .map(LabeledLatent::subclass)
                .collect(Collectors.groupingBy(Function.identity(), Collectors.counting())));
    }

    private static LabeledLatent image(int subclass, int number) {
        return new LabeledLatent(String.valueOf(number), subclass, new float[] {number});
    }
}
