package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.dit.Taxonomy;
import io.finestream.gallery.Gallery;
import io.finestream.gallery.ModelClasses;
import io.finestream.gallery.PageAddress;
import io.finestream.gallery.Teaching;
import io.finestream.kafka.SecuredKafka;
import io.finestream.kafka.Topics;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import io.finestream.weights.ModelConfig;
import java.awt.image.BufferedImage;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.resource.ResourceType;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Commands with a Kafka that asks for a password and has access control lists. */
@Timeout(value = 30, unit = TimeUnit.SECONDS)
class SecuredKafkaITCase {

    private static final String REQUEST = "request --class x";
    private static final String IMAGES = "images --out out";
    private static final String CANCEL = "cancel --request x";
    private static final String INGEST = "ingest PHOTOS";
    private static final String VERSIONS = "models list";
    private static final String RUN = "run --bounded --deterministic --parallelism 1 --model MODEL --state STATE";
    private static final String TUNE = "tune --bounded --threads 1 --model MODEL --state STATE";

    @TempDir
    static Path directory;

    private static SecuredKafka kafka;
    private static Path admin;
    private static Path worker;
    private static Path stranger;

    @BeforeAll
    @Timeout(value = 60, unit = TimeUnit.SECONDS)
    static void start() throws Exception {
        kafka = SecuredKafka.start(directory.resolve("kafka"));
        admin = login(SecuredKafka.ADMIN, SecuredKafka.password(SecuredKafka.ADMIN));
        worker = login(SecuredKafka.WORKER, SecuredKafka.password(SecuredKafka.WORKER));
        stranger = login("stranger", "guessed");
        TinyModel.write(directory.resolve("MODEL"), 1);
        Path photo = directory.resolve("PHOTOS/round/new/1.png");
        Files.createDirectories(photo.getParent());
        Files.write(photo, Images.toPng(new BufferedImage(8, 8, BufferedImage.TYPE_INT_RGB)));
        for (String prefix : new String[] {"open.", "read.", "closed."}) {
            assertThat(run("topics create --partitions 1", admin, prefix).exitCode())
                    .isZero();
        }
        for (String prefix : new String[] {"open.", "missing."}) {
            kafka.allow(ResourceType.TOPIC, prefix, AclOperation.READ, AclOperation.WRITE);
        }
        kafka.allow(ResourceType.TOPIC, "read.", AclOperation.READ);
        kafka.allow(ResourceType.GROUP, "open.", AclOperation.READ);
        kafka.allow(ResourceType.TRANSACTIONAL_ID, "open.", AclOperation.WRITE);
        kafka.allow(ResourceType.TRANSACTIONAL_ID, "finestream-versions-", AclOperation.WRITE); // of a rollback
    }

    @AfterAll
    static void stop() {
        kafka.close();
    }

    @Test
    @Timeout(value = 120, unit = TimeUnit.SECONDS)
    void everyClientLogsInAndNeedsNoMorePermissionThanItUses() throws Exception {
        assertThat(run("topics create --partitions 1 --json", admin, "open.").out())
                .contains("\"created\":[]")
                .contains("\"open.parameters\"");
        done("ingest PHOTOS");
        done(TUNE);
        assertThat(done(VERSIONS).out()).contains("open.finestream-tuning");
        // the class is the version's: the generator has read it
        done("request --class new --count 2 --steps 3");
        done(CANCEL);
        done(RUN);
        assertThat(done("images --out IMAGES --count 2").out()).startsWith("2 images of 1 request");
        done("models rollback 0 --model MODEL");
        try (Gallery gallery = gallery()) {
            HttpRequest events =
                    HttpRequest.newBuilder(gallery.uri().resolve("events")).build();
            HttpResponse<Stream<String>> shown =
                    HttpClient.newHttpClient().send(events, HttpResponse.BodyHandlers.ofLines());
            try (Stream<String> lines = shown.body()) {
                assertThat(lines.anyMatch(line -> line.contains("\"subclass\":\"new\"")))
                        .isTrue();
            }
        }
    }

    private static Gallery gallery() throws IOException {
        ModelChoice model = ModelChoice.of(directory.resolve("MODEL").toString());
        ModelConfig config = model.locate().readConfig();
        Taxonomy taxonomy = model.locate().readTaxonomy(config);
        return Gallery.start(
                Map.copyOf(kafka.client(SecuredKafka.WORKER, SecuredKafka.password(SecuredKafka.WORKER))),
                Topics.DEFAULT.withPrefix("open."),
                new WireFormat.SingleObject(),
                new PageAddress(PageAddress.LOOPBACK, 0, null),
                new ModelClasses(config, taxonomy),
                new Teaching(taxonomy, null, model),
                null);
    }

    @ParameterizedTest
    @ValueSource(strings = {"topics create", REQUEST, IMAGES, CANCEL, INGEST, VERSIONS, RUN, TUNE})
    void aWrongPasswordIsCalledThat(String command) {
        assertFails(
                run(command, stranger, "open."),
                "Kafka at " + kafka.bootstrapServers()
                        + " refuses the login: Authentication failed: Invalid username or"
                        + " password; are the user and the password right?");
    }

    @ParameterizedTest
    @ValueSource(strings = {"topics create", REQUEST, VERSIONS, RUN})
    void aWrongAddressIsNamed(String command) {
        assertFails(
                run(command + " --bootstrap-servers 127.0.0.1:1", worker, "open."),
                "no Kafka broker answers at 127.0.0.1:1 within 10 s; is it running, and are the address and"
                        + " security.protocol right?");
    }

    @ParameterizedTest
    @ValueSource(strings = {REQUEST, IMAGES, CANCEL, INGEST, VERSIONS, RUN, TUNE})
    void aTopicThatIsMissingIsNamed(String command) {
        CommandLineRun run = run(command, worker, "missing.");

        assertFails(run, "there is no topic missing.");
        assertThat(run.err()).contains("create the topics with 'finestream topics create'");
    }

    @ParameterizedTest
    @ValueSource(strings = {REQUEST, IMAGES, CANCEL, INGEST, VERSIONS, RUN, TUNE})
    void aTopicThatTheUserMayNotSeeIsNamed(String command) {
        assertFails(run(command, worker, "closed."), "this user may not use the topic closed.");
    }

    @Test
    void whatAJobMayReadButNotWriteIsNamed() {
        assertFails(run(RUN, worker, "read."), "this user may not write the topic read.generated-images");
        assertFails(run(TUNE, worker, "read."), "this user may not write the topic read.parameters");
        assertFails(run(REQUEST, worker, "read."), "Kafka did not take every request into read.generation-requests");
    }

    @Test
    void theConsumerGroupAndTheTransactionsAreTriedBeforeTheJobRuns() throws Exception {
        assertFails(run(RUN + " --job-id mine", worker, "open."), "this user may not use the consumer group mine");
        kafka.allow(ResourceType.GROUP, "half", AclOperation.READ);
        assertFails(run(RUN + " --job-id half", worker, "open."), "this user may not use the transactional id half-");
    }

    @Test
    void topicsThatMayNotBeCreatedAreNamed() {
        assertFails(run("topics create", worker, "new."), "Kafka refuses to create the topic new.");
    }

    @Test
    void topicsThatDoNotSuitAreToldOfBeforeTheJobRuns() throws Exception {
        kafka.create("odd.", "labeled-images", "dead-letters", "parameters");
        kafka.allow(ResourceType.TOPIC, "odd.", AclOperation.READ, AclOperation.WRITE, AclOperation.DESCRIBE_CONFIGS);

        assertFails(
                run(TUNE, worker, "odd."),
                "the topic odd.parameters exists with cleanup.policy=delete and 1 partitions, expected compact and 1;"
                        + " delete it, or use a prefix for the topics");
    }

    @ParameterizedTest
    @ValueSource(strings = {RUN, TUNE})
    void aModelThatIsNotThereIsNamed(String command) {
        assertFails(run(command.replace("MODEL", "NONE"), worker, "open."), directory.resolve("NONE") + "");
    }

    @ParameterizedTest
    @ValueSource(strings = {RUN, TUNE})
    void aGpuThatIsNotThereIsMissed(String command) {
        assertFails(
                run(command + " --device gpu", worker, "open."), "device gpu was demanded, but the engine sees no GPU");
    }

    private static void assertFails(CommandLineRun run, String message) {
        assertThat(run.err()).startsWith("finestream: ").contains(message).hasLineCount(1);
        assertThat(run.exitCode()).isEqualTo(1);
    }

    private static CommandLineRun done(String command) {
        CommandLineRun run = run(command, worker, "open.");
        assertThat(run.exitCode()).as("%s: %s", command, run.err()).isZero();
        return run;
    }

    /** Words in capitals are in the test's folder. */
    private static CommandLineRun run(String command, Path login, String prefix) {
        return CommandLineRun.of(
                Stream.of((command + " --topic-prefix " + prefix + " --properties " + login).split(" "))
                        .map(word -> word.matches("[A-Z]+") ? directory.resolve(word) : word)
                        .toArray());
    }

    private static Path login(String user, String password) throws IOException {
        return kafka.properties(directory.resolve(user + ".properties"), user, password);
    }
}
