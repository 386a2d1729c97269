package io.finestream.flink;

import io.finestream.schemas.LiveVersion;
import java.io.IOException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.util.function.ThrowingConsumer;
import org.apache.flink.util.function.ThrowingRunnable;
import org.jspecify.annotations.Nullable;

/**
 * Brings what a {@link ParameterFeed} finds to an operator as mails, so that it comes between two steps. An operator that
 * gets no versions any more must not go on in silence: its task fails.
 *
 * @param topic for a message
 * @param take what the operator does with a version
 */
record VersionMails(
        MailboxExecutor mailbox, @Nullable ParameterTopic topic, ThrowingConsumer<LiveVersion, Exception> take)
        implements ParameterFeed.Listener {

    @Override
    public void version(LiveVersion version) {
        mail(() -> take.accept(version));
    }

    @Override
    public void failed(Throwable cause) {
        mail(() -> {
            throw new IOException("no versions come from the " + topic + " any more: " + cause.getMessage(), cause);
        });
    }

    private void mail(ThrowingRunnable<Exception> content) {
        new Mails(mailbox).send("parameters", content);
    }
}
