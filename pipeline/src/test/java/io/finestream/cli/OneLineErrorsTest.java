package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.weights.WeightsException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.util.concurrent.ExecutionException;
import org.apache.kafka.common.errors.TimeoutException;
import org.junit.jupiter.api.Test;

class OneLineErrorsTest {

    @Test
    void aMessageThatSaysItAllStandsAloneHoweverDeep() {
        Exception deep = new RuntimeException("Job execution failed.", new WeightsException("the model is broken"));

        assertThat(OneLineErrors.oneLine(new ExecutionException(deep))).isEqualTo("the model is broken");
    }

    @Test
    void messagesOfAChainAreJoinedWithoutRepetition() {
        Exception cause = new IllegalStateException("the disk is full");

        assertThat(OneLineErrors.oneLine(new IllegalArgumentException(cause)))
                .isEqualTo("java.lang.IllegalStateException: the disk is full");
        assertThat(OneLineErrors.oneLine(new IllegalArgumentException("cannot save.", cause)))
                .isEqualTo("cannot save: the disk is full");
        assertThat(OneLineErrors.oneLine(new IOException("cannot save: the disk is full", cause)))
                .isEqualTo("cannot save: the disk is full");
    }

    @Test
    void filesAreNamedWithWhatIsWrongWithThem() {
        assertThat(OneLineErrors.oneLine(new NoSuchFileException("/a/b")))
                .isEqualTo("cannot use /a/b: there is no such file or folder");
        assertThat(OneLineErrors.oneLine(new UncheckedIOException(new AccessDeniedException("/a"))))
                .isEqualTo("cannot use /a: no permission");
    }

    @Test
    void kafkaThatIsSilentIsSaidInWords() {
        assertThat(OneLineErrors.oneLine(new TimeoutException("Topic x not present in metadata after 10 ms.")))
                .startsWith("Kafka did not answer in time")
                .endsWith("is it running, and is the address right?");
    }

    @Test
    void aMistakeOfTheProgramSaysSo() {
        assertThat(OneLineErrors.oneLine(new NullPointerException()))
                .startsWith("internal error, NullPointerException")
                .contains("--verbose");
    }

    @Test
    void onlyTheFirstLineIsShown() {
        assertThat(OneLineErrors.oneLine(new IllegalArgumentException("first\nsecond")))
                .isEqualTo("first");
    }
}
