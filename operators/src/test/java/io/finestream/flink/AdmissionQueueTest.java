package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.schemas.GenerationRequest;
import io.finestream.schemas.PendingRequest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class AdmissionQueueTest {

    private final AdmissionQueue queue = new AdmissionQueue();

    @Test
    void priorityGoesBeforeDeadlineAndDeadlineBeforeArrival() {
        add("never", 0, null);
        add("never too", 0, null);
        add("later", 0, 200L);
        add("soon", 0, 100L);
        add("important", 1, null);
        add("unimportant", -1, 1L);
        assertThat(drain()).containsExactly("important", "soon", "later", "never", "never too", "unimportant");
    }

    @Test
    void ofEqualUrgencyTheRequestWithTheFewestRowsInFlightIsNext() {
        add("large", 0, null);
        add("small", 0, null);
        add("waiting", 0, null);
        queue.share(Map.of("large", 20, "small", 2, "other", 4));
        assertThat(first()).isEqualTo("waiting");
        queue.share(Map.of("large", 2, "small", 4, "waiting", 6));
        assertThat(first()).isEqualTo("large");
        queue.share(Map.of());
        assertThat(drain()).containsExactly("large", "small", "waiting");
    }

    @Test
    void whatArrivesForARequestInFlightKnowsItsRows() {
        queue.share(Map.of("large", 20));
        add("large", 0, null);
        add("small", 0, null);
        assertThat(drain()).containsExactly("small", "large");
    }

    @Test
    void aRequestThatHasNoRoomIsPassedByOneWithFewerRows() {
        add("large", 0, 100L);
        add("single", 0, null);
        queue.share(Map.of("large", 20));
        assertThat(queue.next(request -> id(request).equals("single")))
                .extracting(AdmissionQueueTest::id)
                .isEqualTo("single");
    }

    @Test
    void behindAFirstSampleWithoutRoomNoneIsAskedFor() {
        for (int i = 0; i < 10_000; i++) {
            add("r" + i, 0, null);
        }
        List<String> asked = new ArrayList<>();
        assertThat(queue.next(request -> !asked.add(id(request)))).isNull();
        assertThat(asked).containsExactly("r0");
    }

    @Test
    void theRecordsOfARequestKeepTheirOrder() {
        PendingRequest first = add("r", 0, null);
        add("s", 0, null);
        PendingRequest second = add("r", 0, null);
        assertThat(queue.next(any -> true)).isSameAs(first);
        queue.remove(first);
        queue.share(Map.of("s", 2));
        assertThat(queue.next(any -> true)).isSameAs(second);
    }

    @Test
    void theLateOnesAreTakenOutAndNoOthers() {
        add("never", 5, null);
        add("late", 0, 99L);
        add("in time", 0, 100L);
        add("late", 0, 99L);
        assertThat(queue.expire(Instant.ofEpochMilli(99))).isEmpty();
        assertThat(queue.expire(Instant.ofEpochMilli(100)))
                .extracting(AdmissionQueueTest::id)
                .containsExactly("late", "late");
        assertThat(queue.size()).isEqualTo(2);
        assertThat(drain()).containsExactly("never", "in time");
        assertThat(queue.expire(Instant.ofEpochMilli(1000))).isEmpty();
    }

    @Test
    void savedAndAddedAgainThousandsComeInTheSameOrder() {
        Random random = new Random(1);
        List<PendingRequest> added = new ArrayList<>();
        for (int i = 0; i < 10_000; i++) {
            Long deadline = random.nextBoolean() ? null : (long) random.nextInt(20);
            added.add(add("r" + i, random.nextInt(3), deadline));
        }
        AdmissionQueue restored = new AdmissionQueue();
        assertThat(queue.waiting()).isEqualTo(added);
        queue.waiting().forEach(restored::add);
        List<String> expected = added.stream()
                .sorted(Comparator.comparing(
                        request -> AdmissionQueue.urgency(request.getRequest()))) // stable: then by arrival
                .map(AdmissionQueueTest::id)
                .toList();
        assertThat(drain(queue)).isEqualTo(expected);
        assertThat(drain(restored)).isEqualTo(expected);
    }

    @Test
    void whatIsCancelledOrLateWaitsNoMore() {
        add("cancelled", 0, null);
        add("late", 0, 1L);
        Instant now = Instant.EPOCH.plusSeconds(5);
        assertThat(queue.oldestWait(now)).hasSeconds(5);
        assertThat(queue.cancel("cancelled")).hasSize(1);
        assertThat(queue.oldestWait(now)).hasSeconds(5);
        assertThat(queue.expire(now)).hasSize(1);
        assertThat(queue.oldestWait(now)).isZero();
        assertThat(queue.waiting()).isEmpty();
        assertThat(queue.isEmpty()).isTrue();
    }

    private PendingRequest add(String id, int priority, Long deadline) {
        PendingRequest request = PendingRequest.newBuilder()
                .setRequest(GenerationRequest.newBuilder()
                        .setRequestId(id)
                        .setPriority(priority)
                        .setDeadline(deadline == null ? null : Instant.ofEpochMilli(deadline))
                        .build())
                .setSubclassId(0)
                .setNextSample(0)
                .setSourceTopic("requests")
                .setSourcePartition(0)
                .setSourceOffset(0)
                .setSourceTimestamp(Instant.EPOCH)
                .setEnqueuedAt(Instant.EPOCH)
                .build();
        queue.add(request);
        return request;
    }

    private String first() {
        return id(queue.next(any -> true));
    }

    private List<String> drain() {
        return drain(queue);
    }

    private static List<String> drain(AdmissionQueue queue) {
        List<String> ids = new ArrayList<>();
        PendingRequest next;
        while ((next = queue.next(any -> true)) != null) {
            queue.remove(next);
            ids.add(id(next));
        }
        assertThat(queue.isEmpty()).isTrue();
        return ids;
    }

    private static String id(PendingRequest request) {
        return request.getRequest().getRequestId();
    }
}
