package io.finestream.flink;

import java.io.IOException;
import org.apache.avro.specific.SpecificRecord;
import org.apache.flink.api.common.serialization.SerializerConfig;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeutils.TypeSerializer;
import org.apache.flink.api.common.typeutils.TypeSerializerSnapshot;
import org.apache.flink.core.memory.DataInputView;
import org.apache.flink.core.memory.DataOutputView;
import org.apache.flink.formats.avro.typeutils.AvroSerializer;
import org.jspecify.annotations.Nullable;

/**
 * Avro records between operators: Flink's own serializer of them, which is made where records are and no sooner, thus not
 * in the JobManager. Avro leaves something of its own in every thread that parses a schema ({@code Schema.VALIDATE_NAMES}),
 * which in the JobManager's threads would hold the classes of a job for good. So what is sent there names the record's
 * class, since even a class that is read back is initialised.
 */
public final class RecordTypeInfo<T extends SpecificRecord> extends TypeInformation<T> {

    private static final long serialVersionUID = 1;

    private final RecordClass<T> type;

    public RecordTypeInfo(Class<T> type) {
        this.type = new RecordClass<>(type);
    }

    @Override
    public TypeSerializer<T> createSerializer(SerializerConfig config) {
        return new Serializer<>(type);
    }

    @Override
    public Class<T> getTypeClass() {
        return type.get();
    }

    @Override
    public boolean isBasicType() {
        return false;
    }

    @Override
    public boolean isTupleType() {
        return false;
    }

    @Override
    public boolean isKeyType() {
        return false;
    }

    @Override
    public int getArity() {
        return 1;
    }

    @Override
    public int getTotalFields() {
        return 1;
    }

    @Override
    public String toString() {
        return "Avro record " + type.name();
    }

    @Override
    public boolean canEqual(Object object) {
        return object instanceof RecordTypeInfo;
    }

    @Override
    public boolean equals(@Nullable Object object) {
        return object instanceof RecordTypeInfo<?> other && type.equals(other.type);
    }

    @Override
    public int hashCode() {
        return type.hashCode();
    }

    /** State that it writes is that of {@link AvroSerializer}, whose state it reads. */
    private static final class Serializer<T extends SpecificRecord> extends TypeSerializer<T> {

        private static final long serialVersionUID = 1;

        private final RecordClass<T> type;
        private transient @Nullable TypeSerializer<T> avro;

        Serializer(RecordClass<T> type) {
            this.type = type;
        }

        private TypeSerializer<T> avro() {
            if (avro == null) {
                avro = new AvroSerializer<>(type.get());
            }
            return avro;
        }

        @Override
        public boolean isImmutableType() {
            return false;
        }

        @Override
        public TypeSerializer<T> duplicate() {
            return new Serializer<>(type);
        }

        @Override
        public T createInstance() {
            return avro().createInstance();
        }

        @Override
        public T copy(T from) {
            return avro().copy(from);
        }

        @Override
        public T copy(T from, T reuse) {
            return avro().copy(from, reuse);
        }

        @Override
        public void copy(DataInputView source, DataOutputView target) throws IOException {
            avro().copy(source, target);
        }

        @Override
        public int getLength() {
            return -1;
        }

        @Override
        public void serialize(T record, DataOutputView target) throws IOException {
            avro().serialize(record, target);
        }

        @Override
        public T deserialize(DataInputView source) throws IOException {
            return avro().deserialize(source);
        }

        @Override
        public T deserialize(T reuse, DataInputView source) throws IOException {
            return avro().deserialize(reuse, source);
        }

        @Override
        public TypeSerializerSnapshot<T> snapshotConfiguration() {
            return avro().snapshotConfiguration();
        }

        @Override
        public boolean equals(@Nullable Object object) {
            return object instanceof Serializer<?> other && type.equals(other.type);
        }

        @Override
        public int hashCode() {
            return type.hashCode();
        }
    }
}
