package io.finestream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.finestream.TinyModel;
import io.finestream.demo.Demo;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.GenerationSettings;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.Species;
import io.finestream.kafka.Topics;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.Keys;
import org.openqa.selenium.WebElement;

/** The page in a real browser, before a real broker and a real job with a tiny model. */
class PageITCase {

    private static final Duration PATIENCE = Duration.ofMinutes(1);
    private static final AvroCodec<GeneratedImage> IMAGES =
            new AvroCodec<>(GeneratedImage.class, new WireFormat.SingleObject());

    @TempDir
    static Path dir;

    private static Chromium browser;
    private static Demo demo;

    @BeforeAll
    static void start() throws Exception {
        browser = Chromium.start();
        String model = TinyModel.write(dir.resolve("model"), 1).toString();
        demo = Demo.start(
                new Demo.Options(dir.resolve("state"), GenerationSettings.forModel(model), 1, 0, 0, 0, 0, 0),
                progress -> {});
    }

    @AfterAll
    static void close() throws Exception {
        if (demo != null) {
            demo.close();
        }
        if (browser != null) {
            browser.close();
        }
    }

    @BeforeEach
    void openThePage() {
        browser.width(1280);
        browser.colors("light");
        browser.open(demo.page());
    }

    @Test
    void anImageAppearsWhileThePageIsOpen() throws Exception {
        send("a class of its own", 1);
        assertThat(browser.find("img[alt='Generated image of the class a class of its own']")
                        .isDisplayed())
                .isTrue();
    }

    @Test
    void aRequestMadeInTheFormComesBackWithItsSeedAndClass() {
        ask("ss 3", "4711", "2");

        assertThat(browser.find("#class").getAttribute("value")).isEqualTo("class 3");
        WebElement order = browser.find(".order:has(.state.done)");
        assertThat(order.getText()).contains("class 3", "seed 4711", "2 steps ddim");
        assertThat(browser.findAll(".order .thumbs img")).hasSize(1);
        await().untilAsserted(() ->
                assertThat(cardsWith("seed 4711")).first().asString().contains("class 3", "square"));
    }

    @Test
    void theRecordOpensByKeyboardAndMakesMoreLikeIt() {
        ask("class 4", "99", "3");
        browser.find(".card:has(img[alt$='class 4'])").sendKeys(Keys.ENTER);
        assertThat(browser.find("dialog[open]").getDomProperty("textContent"))
                .contains("class 4", "99, sample 0", "ddim, 3 steps", "fine grained, scale 2", "generation-requests");

        browser.find("dialog [data-do=more]").sendKeys(Keys.ENTER);
        assertThat(browser.find("#class").getAttribute("value")).isEqualTo("class 4");
        assertThat(browser.find("#steps").getAttribute("value")).isEqualTo("3");
        assertThat(browser.find("#seed").getAttribute("value"))
                .matches("[0-9]+")
                .isNotEqualTo("99");
    }

    @Test
    void oneSeedIsComparedAcrossGuidanceScalesAndVersions() {
        ask("class 1", "5", "2");
        browser.find(".order .state.done");
        browser.find("#compare-open").click();
        type("#scales", "0.5, 4");
        browser.find("#compare-form button").click();

        await().atMost(PATIENCE)
                .until(() -> browser.findAll("#compare-scales img").size() == 3);
        assertThat(browser.find("#compare-scales").getText().split("\\s+")).containsExactly("0.5", "2", "4");
        assertThat(browser.find("#compare-versions").getText()).isEqualTo("v0");
    }

    @Test
    void imagesAreGroupedByClassOnDemand() throws Exception {
        send("b class", 11);
        send("b class", 12);
        send("c class", 13);
        browser.find("img[alt$='c class']");
        browser.find("#grouped").click();
        WebElement group = browser.find(".group:has(img[alt$='b class'])");
        assertThat(group.findElements(By.cssSelector(".card"))).hasSize(2);
        browser.find("#grouped").click();
        assertThat(browser.findAll("#grid img[alt$='b class']")).hasSize(2);
    }

    @Test
    void aClassThatDoesNotExistIsSaidAndStaysText() {
        String name = "<img src=x onerror=window.injected=1>";
        type("#class", name);
        browser.find("#ask-form [type=submit]").click();

        assertThat(browser.find("#ask-message.bad").getText()).contains("there is no class '" + name + "'");
        assertThat(browser.run("return window.injected")).isNull();
    }

    @Test
    void markupInAClassNameStaysText() throws Exception {
        String name = "</span><script>window.injected=1</script><img src=x onerror=window.injected=1>";
        send(name, 3);
        await().atMost(PATIENCE).until(() -> !cardsWith(name).isEmpty());
        browser.run(
                "[...document.querySelectorAll('.card')].find(card => card.textContent.includes('onerror')).click()");
        assertThat(browser.find("#details-title").getDomProperty("textContent")).isEqualTo(name);
        browser.find("dialog .close").click();
        browser.find("#grouped").click();
        type("#class", "onerror"); // the picker has learned it
        assertThat(browser.find("[role=option]").getText()).contains(name);
        assertThat(browser.run("return window.injected")).isNull();
        assertThat(browser.run("return document.querySelectorAll('img[src=x]').length"))
                .isEqualTo(0L);
    }

    @Test
    void thereAreNoBarriers() throws Exception {
        ask("class 2", "8", "2");
        browser.find(".order .state.done");
        browser.find("#compare-open").click();
        type("#class", "class");
        for (String colors : List.of("light", "dark")) {
            browser.colors(colors);
            assertThat(browser.barriers()).as(colors).isEmpty();
        }
        browser.find(".card").sendKeys(Keys.ENTER);
        assertThat(browser.barriers()).isEmpty();
        browser.find("dialog .close").click();
        browser.width(360);
        assertThat(browser.barriers()).isEmpty();
        assertThat(
                        browser.run(
                                "const {scrollWidth, clientWidth} = document.documentElement; return scrollWidth - clientWidth"))
                .isEqualTo(0L);
    }

    @Test
    void thePageIsLightAndAsksThisMachineAlone() {
        browser.find("#class").click(); // fetches the classes
        browser.find("[role=option]");
        List<?> files = (List<?>) browser.run("return performance.getEntries()"
                + ".filter(entry => ['resource', 'navigation'].includes(entry.entryType)).map(entry => entry.name)");
        assertThat(files)
                .isNotEmpty()
                .allMatch(file -> file.toString().startsWith(demo.page().toString()));
        long bytes = (long)
                browser.run(
                        "return Math.round(performance.getEntries()"
                                + ".filter(({name}) => !name.includes('/images/')).reduce((sum, {decodedBodySize = 0}) => sum + decodedBodySize, 0))");
        assertThat(bytes).isBetween(10_000L, 150_000L);
    }

    @Test
    void tenThousandClassesStayResponsive() throws Exception {
        Taxonomy many = new Taxonomy(
                IntStream.range(0, 500).mapToObj(i -> "Família " + i).toList(),
                IntStream.range(0, 10_000)
                        .mapToObj(i -> new Taxonomy.Subclass("Species number " + i + " of many", i / 20))
                        .toList());
        try (Gallery gallery = Gallery.start(
                Map.of("bootstrap.servers", demo.bootstrapServers()),
                Topics.DEFAULT,
                new WireFormat.SingleObject(),
                PageAddress.local(0),
                new ModelClasses(
                        ModelChoice.of(dir.resolve("model").toString()).locate().readConfig(), many),
                Teaching.UNKNOWN,
                null)) {
            browser.open(gallery.uri());
            browser.find("#class").click();
            browser.find("[role=option]");
            assertThat(browser.find("#class-found").getText())
                    .matches("10,00[0-9] classes; .*"); // and those that images are of

            double millis = ((Number) browser.run("""
                            const field = document.getElementById('class');
                            const times = ['s', 'number 7', 'familia 4', 'xyz', 'number many 99', ''].flatMap(text =>
                              [1, 2, 3].map(() => {
                                const start = performance.now();
                                field.value = text;
                                field.dispatchEvent(new Event('input'));
                                document.getElementById('class-list').getBoundingClientRect(); // lays it out
                                return performance.now() - start;
                              }));
                            return times.sort((a, b) => a - b)[times.length / 2];
                            """)).doubleValue();
            assertThat(millis).isLessThan(100);

            type("#class", "familia 499 9999");
            assertThat(browser.findAll("[role=option]")).hasSize(1);
            assertThat(browser.find("[role=option]").getText()).contains("Species number 9999 of many", "Família 499");
        }
    }

    /** By keyboard alone, choosing the first class that is found. */
    private static void ask(String search, String seed, String steps) {
        type("#class", search);
        browser.find("[role=option]");
        browser.find("#class").sendKeys(Keys.ARROW_DOWN, Keys.ENTER);
        type("#seed", seed);
        type("#steps", steps);
        browser.find("#ask-form [type=submit]").sendKeys(Keys.ENTER);
    }

    private static void type(String field, String text) {
        browser.find(field).sendKeys(Keys.chord(Keys.CONTROL, "a"), text);
    }

    private static List<String> cardsWith(String text) {
        return browser.findAll(".card").stream()
                .map(WebElement::getText)
                .filter(card -> card.contains(text))
                .toList();
    }

    private static void send(String subclass, long seed) throws Exception {
        GeneratedImage image = GeneratedImage.newBuilder(
                        SampleRecords.image(Species.of(FlowerFamily.POPPY, 0), seed, 32, 3))
                .setRequestId(UUID.randomUUID().toString())
                .setSubclass(subclass)
                .build();
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", demo.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(Topics.DEFAULT.images(), IMAGES.encode(image)))
                    .get();
        }
    }
}
