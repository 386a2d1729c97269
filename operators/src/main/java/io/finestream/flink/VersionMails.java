package io.finestream.flink;

import io.finestream.schemas.LiveVersion;
import java.io.IOException;
import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.util.function.ThrowingConsumer;
import org.apache.flink.util.function.ThrowingRunnable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

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

    private static final Logger LOG = LoggerFactory.getLogger(VersionMails.class);

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
        try {
            mailbox.execute(content, "parameters");
        } catch (RejectedExecutionException e) {
            LOG.debug("the task ends, nothing is done with what came", e);
        }
    }
}
