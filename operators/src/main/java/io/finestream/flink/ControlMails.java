package io.finestream.flink;

import io.finestream.schemas.GenerationControl;
import java.io.IOException;
import org.apache.flink.util.function.ThrowingRunnable;
import org.jspecify.annotations.Nullable;

/**
 * Brings what a {@link ControlFeed} finds to an operator, so that it comes between two steps. An operator that can not be
 * told to stop any more must not go on in silence: its task fails.
 *
 * @param topic for a message
 * @param obey what the operator does when something has arrived
 */
record ControlMails(
        Mails mails, @Nullable ControlTopic topic, Cancellations cancellations, ThrowingRunnable<Exception> obey)
        implements ControlFeed.Listener {

    @Override
    public void control(long offset, GenerationControl control) {
        cancellations.arrive(offset, control);
        mails.send("control", obey);
    }

    @Override
    public void failed(Throwable cause) {
        mails.send("control", () -> {
            throw new IOException("nothing comes from the " + topic + " any more: " + cause.getMessage(), cause);
        });
    }
}
