package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.finestream.pipeline.FineTuneJob;
import io.finestream.pipeline.GenerationJob;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.flink.runtime.util.EnvironmentInformation;
import org.apache.kafka.common.utils.AppInfoParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** What stands in docker/ for Docker and Kubernetes, as far as it can be checked without them. */
class DeploymentFilesTest {

    private static final Path DOCKER = Path.of("..", "docker");
    private static final Path NOWHERE = Path.of("nowhere");
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{\\w+:-([^}]*)}");
    private static final Pattern FROM = Pattern.compile("(?m)^FROM (\\S+:\\S+)");
    private static final Pattern GENERATE = Pattern.compile("finestream (generate [^&]*)");
    private static final String SUBMIT = "submit-once";

    static Stream<List<String>> commandLines() throws IOException {
        Stream<List<String>> compose = commands()
                .filter(command -> List.of("finestream", SUBMIT).contains(command.get(0)))
                .map(command -> command.subList(command.get(0).equals(SUBMIT) ? 2 : 1, command.size()));
        Stream<List<String>> jobs =
                manifests("FlinkDeployment").map(manifest -> texts(at(manifest, "spec", "job", "args")));
        Stream<List<String>> deployments = manifests("Deployment")
                .flatMap(manifest -> containers(manifest).stream().map(container -> texts(at(container, "args"))));
        Stream<List<String>> image = GENERATE.matcher(dockerfile().replace("\\\n", ""))
                .results()
                .map(line -> Arrays.asList(line.group(1).strip().split("\\s+")));
        return Stream.of(compose, jobs.filter(args -> !args.isEmpty()), deployments, image)
                .flatMap(lines -> lines);
    }

    @Test
    void commandLinesAreFoundEverywhere() throws IOException {
        assertThat(commandLines().map(words -> words.get(0)))
                .containsExactly(
                        "topics",
                        "run",
                        "tune",
                        "gallery",
                        "run",
                        "tune",
                        "tune",
                        "run",
                        "gallery",
                        "generate",
                        "generate");
    }

    @ParameterizedTest
    @MethodSource("commandLines")
    void everyCommandLineParses(List<String> words) {
        assertThatCode(() -> FineStream.commandLine(new SettingPlaces(Map.of(), NOWHERE, NOWHERE))
                        .parseArgs(words.toArray(String[]::new)))
                .doesNotThrowAnyException();
    }

    @Test
    void submittedJobsAreLookedForByTheirNames() throws IOException {
        assertThat(commands().filter(command -> command.get(0).equals(SUBMIT)))
                .hasSize(4)
                .allSatisfy(command -> assertThat(command.get(1))
                        .isEqualTo(command.get(2).equals("run") ? GenerationJob.NAME : FineTuneJob.NAME));
    }

    @Test
    void everyImageHasAVersion() throws IOException {
        assertThat(images())
                .hasSizeGreaterThan(10)
                .allMatch(image -> image.matches("[^:]+:v?\\d+\\.\\d+\\.\\d+(-[\\w.-]+)?"));
    }

    @Test
    void imagesAreOfTheVersionsThatThisIsBuiltWith() throws IOException {
        String flink = EnvironmentInformation.getVersion();
        assertThat(images()).contains("flink:" + flink + "-java17", "apache/kafka:" + AppInfoParser.getVersion());
        assertThat(Files.readString(DOCKER.resolve("kubernetes/flink-common.yaml")))
                .contains("flink-s3-fs-hadoop-" + flink + ".jar", "flinkVersion: v2_3");
        assertThat(dockerfile()).contains("PYTORCH_VERSION=" + engine() + "\n", "deps-" + engine() + "%2Bcu128.zip");
    }

    @Test
    void generationOnKubernetesIsConfiguredAsTheImageIs() throws IOException {
        Map<String, String> wanted =
                settings(yaml(DOCKER.resolve("conf/config.yaml")).findFirst().orElseThrow());
        // the container's size is given there, and the heap follows; leaders are elected without ZooKeeper
        Set.of("jobmanager.memory.", "taskmanager.memory.task.", "high-availability.zookeeper.")
                .forEach(prefix -> wanted.keySet().removeIf(key -> key.startsWith(prefix)));
        Map<String, String> configured = manifest("flink-common.yaml");
        configured.putAll(manifest("generation.yaml"));

        assertThat(wanted).hasSizeGreaterThan(10);
        assertThat(configured).containsAllEntriesOf(wanted);
    }

    @Test
    void whatIsCommonOverrulesNothingOfAJob() throws IOException {
        Set<String> common = manifest("flink-common.yaml").keySet();

        assertThat(manifest("generation.yaml").keySet()).isNotEmpty().doesNotContainAnyElementsOf(common);
        assertThat(manifest("fine-tuning.yaml").keySet()).isNotEmpty().doesNotContainAnyElementsOf(common);
    }

    private static Map<String, String> manifest(String file) {
        Object document =
                yaml(DOCKER.resolve("kubernetes").resolve(file)).findFirst().orElseThrow();
        return settings(at(document, "spec", "flinkConfiguration"));
    }

    /** Of the services of both compose files, with the defaults of variables. */
    private static Stream<List<String>> commands() throws IOException {
        return services().map(service -> texts(at(service, "command"))).filter(command -> !command.isEmpty());
    }

    private static Stream<Object> services() throws IOException {
        return Stream.concat(yaml(DOCKER.resolve("compose.yaml")), yaml(DOCKER.resolve("compose.gpu.yaml")))
                .flatMap(document -> ((Map<?, ?>) at(document, "services")).values().stream());
    }

    private static Stream<String> images() throws IOException {
        Stream<Object> compose = Stream.concat(
                services().map(service -> at(service, "image")),
                yaml(DOCKER.resolve("compose.yaml")).map(document -> at(document, "x-image", "image")));
        Stream<Object> deployments = manifests("Deployment")
                .flatMap(manifest -> containers(manifest).stream().map(container -> at(container, "image")));
        Stream<Object> jobs = manifests("FlinkDeployment").map(manifest -> at(manifest, "spec", "image"));
        Stream<String> dockerfile = FROM.matcher(dockerfile()).results().map(from -> from.group(1));
        return Stream.concat(
                dockerfile,
                Stream.of(compose, deployments, jobs)
                        .flatMap(images -> images)
                        .filter(Objects::nonNull)
                        .map(String::valueOf));
    }

    private static String dockerfile() throws IOException {
        return Files.readString(DOCKER.resolve("Dockerfile"));
    }

    private static String engine() throws IOException {
        Properties properties = new Properties();
        try (InputStream in = DeploymentFilesTest.class.getResourceAsStream("/jnilib/pytorch.properties")) {
            properties.load(in);
        }
        return properties.getProperty("jni_version").split("-", 2)[0];
    }

    private static Stream<Object> manifests(String kind) throws IOException {
        try (Stream<Path> files = Files.list(DOCKER.resolve("kubernetes"))) {
            List<Object> documents =
                    files.sorted().flatMap(DeploymentFilesTest::yaml).toList();
            return documents.stream().filter(document -> kind.equals(at(document, "kind")));
        }
    }

    private static List<?> containers(Object deployment) {
        return (List<?>) at(deployment, "spec", "template", "spec", "containers");
    }

    private static Stream<Object> yaml(Path file) {
        try {
            Iterable<Object> documents =
                    new Load(LoadSettings.builder().build()).loadAllFromString(Files.readString(file));
            return StreamSupport.stream(documents.spliterator(), false);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What is under the keys, or null. */
    private static Object at(Object node, String... keys) {
        Object found = node;
        for (String key : keys) {
            found = found instanceof Map<?, ?> map ? map.get(key) : null;
        }
        return found;
    }

    private static List<String> texts(Object list) {
        return list == null
                ? List.of()
                : ((List<?>) list)
                        .stream()
                                .map(item ->
                                        VARIABLE.matcher(String.valueOf(item)).replaceAll("$1"))
                                .toList();
    }

    private static Map<String, String> settings(Object map) {
        Map<String, String> settings = new HashMap<>();
        ((Map<?, ?>) map).forEach((key, value) -> settings.put(String.valueOf(key), String.valueOf(value)));
        return settings;
    }
}
