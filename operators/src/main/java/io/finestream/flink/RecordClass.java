package io.finestream.flink;

import java.io.Serializable;
import org.apache.avro.specific.SpecificRecord;

/** The class of a record by name, which is not initialised where this is read back; see {@link RecordTypeInfo}. */
public record RecordClass<T extends SpecificRecord>(String name) implements Serializable {

    public RecordClass(Class<T> type) {
        this(type.getName());
    }

    @SuppressWarnings("unchecked") // it was one when this was made
    public Class<T> get() {
        try {
            return (Class<T>) Class.forName(name);
        } catch (ClassNotFoundException e) {
            throw new IllegalStateException("the job's jar does not have the class " + name, e);
        }
    }
}
