package io.finestream.flink;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.schemas.DeadLetter;
import io.finestream.schemas.ReasonCode;
import java.nio.ByteBuffer;
import java.time.Instant;
import org.apache.flink.api.common.serialization.SerializerConfigImpl;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.core.memory.DataInputDeserializer;
import org.apache.flink.core.memory.DataOutputSerializer;
import org.apache.flink.formats.avro.typeutils.AvroSerializer;
import org.apache.flink.util.InstantiationUtil;
import org.junit.jupiter.api.Test;

class RecordTypeInfoTest {

    private final TypeSerializer<DeadLetter> serializer =
            new RecordTypeInfo<>(DeadLetter.class).createSerializer(new SerializerConfigImpl());
    private final AvroSerializer<DeadLetter> avro = new AvroSerializer<>(DeadLetter.class);

    @Test
    void bytesAreThoseOfFlinksOwnSerializer() throws Exception {
        DeadLetter letter = letter();
        DataOutputSerializer bytes = new DataOutputSerializer(64);
        DataOutputSerializer expected = new DataOutputSerializer(64);
        TypeSerializer<DeadLetter> shipped = InstantiationUtil.clone(serializer).duplicate();

        shipped.serialize(letter, bytes);
        avro.serialize(letter, expected);

        assertThat(bytes.getCopyOfBuffer()).isEqualTo(expected.getCopyOfBuffer());
        assertThat(shipped.deserialize(new DataInputDeserializer(bytes.getCopyOfBuffer())))
                .isEqualTo(letter);
        assertThat(shipped.copy(letter)).isEqualTo(letter).isNotSameAs(letter);
        assertThat(shipped).isEqualTo(serializer).hasSameHashCodeAs(serializer);
    }

    @Test
    void stateOfFlinksOwnSerializerIsRead() {
        assertThat(serializer
                        .snapshotConfiguration()
                        .resolveSchemaCompatibility(avro.snapshotConfiguration())
                        .isCompatibleAsIs())
                .isTrue();
    }

    private static DeadLetter letter() {
        return DeadLetter.newBuilder()
                .setOriginal(ByteBuffer.wrap(new byte[] {1, 2}))
                .setReason("steps is 0")
                .setReasonCode(ReasonCode.INVALID)
                .setTopic("generation-requests")
                .setPartition(1)
                .setOffset(2)
                .setTimestamp(Instant.ofEpochMilli(3))
                .setRejectedAt(Instant.ofEpochMilli(4))
                .build();
    }
}
