package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.ReasonCode;
import java.time.Instant;
import org.junit.jupiter.api.Test;

class SourceRecordTest {

    @Test
    void aDeadLetterSaysWhatCameFromWhereAndWhyItWasRefused() {
        byte[] value = {1, 2, 3};

        DeadLetter letter = new SourceRecord(new byte[] {7}, value, "requests", 2, 5, 1_000)
                .deadLetter("a", ReasonCode.INVALID, "steps is 0");

        assertThat(letter.getOriginal().array()).isEqualTo(value);
        assertThat(letter.getKey().array()).containsExactly(7);
        assertThat(letter.getRequestId()).isEqualTo("a");
        assertThat(letter.getReasonCode()).isEqualTo(ReasonCode.INVALID);
        assertThat(letter.getReason()).isEqualTo("steps is 0");
        assertThat(letter.getTopic()).isEqualTo("requests");
        assertThat(letter.getPartition()).isEqualTo(2);
        assertThat(letter.getOffset()).isEqualTo(5);
        assertThat(letter.getTimestamp()).isEqualTo(Instant.ofEpochSecond(1));
    }

    @Test
    void aDeadLetterHoldsTheFirstMebibyteOfKeyAndValue() {
        byte[] large = new byte[2 << 20];

        DeadLetter letter =
                new SourceRecord(large, large, "requests", 0, 0, 0).deadLetter(null, ReasonCode.UNREADABLE, "too long");

        assertThat(letter.getOriginal().remaining()).isEqualTo(1 << 20);
        assertThat(letter.getKey().remaining()).isEqualTo(1 << 20);
    }

    @Test
    void aRecordWithoutKeyAndValueIsADeadLetterToo() {
        DeadLetter letter = new SourceRecord(null, null, "requests", 0, 0, 0)
                .deadLetter(null, ReasonCode.UNREADABLE, "the record has no value");

        assertThat(letter.getOriginal().remaining()).isZero();
        assertThat(letter.getKey()).isNull();
        assertThat(letter.getRequestId()).isNull();
    }
}
