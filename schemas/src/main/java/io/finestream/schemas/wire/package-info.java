/**
 * Records as bytes: how a message in Kafka names the schema it was written with, and how it is read with the schema of
 * this build.
 *
 * <p>{@link io.finestream.schemas.wire.WireFormat} is the choice (serializable configuration),
 * {@link io.finestream.schemas.wire.AvroCodec} does the work. A message that cannot be read is a
 * {@link io.finestream.schemas.wire.WireFormatException}, checked: send it to the dead letters. A registry that does not
 * answer is a {@link io.finestream.schemas.wire.RegistryException}, unchecked: the message may be fine, so let the job
 * fail and try again.
 */
@NullMarked
package io.finestream.schemas.wire;

import org.jspecify.annotations.NullMarked;
