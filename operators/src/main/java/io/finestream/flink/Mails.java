package io.finestream.flink;

import java.util.concurrent.RejectedExecutionException;
import org.apache.flink.api.common.operators.MailboxExecutor;
import org.apache.flink.util.function.ThrowingRunnable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What an operator does between two records, by itself or because another thread has it do so. A task that ends, as after
 * its last savepoint, takes no more of it.
 */
record Mails(MailboxExecutor mailbox) {

    private static final Logger LOG = LoggerFactory.getLogger(Mails.class);

    /** @param name for a message */
    void send(String name, ThrowingRunnable<Exception> content) {
        try {
            mailbox.execute(content, name);
        } catch (RejectedExecutionException e) {
            LOG.debug("the task ends, nothing is done with what came", e);
        }
    }
}
