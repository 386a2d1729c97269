package io.finestream.gallery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.finestream.TinyModel;
import io.finestream.codec.Images;
import io.finestream.demo.Demo;
import io.finestream.dit.Taxonomy;
import io.finestream.flink.GenerationSettings;
import io.finestream.flowers.FlowerFamily;
import io.finestream.flowers.FlowerRenderer;
import io.finestream.flowers.Species;
import io.finestream.kafka.Topics;
import io.finestream.pipeline.TopicsInTests;
import io.finestream.schemas.EventKind;
import io.finestream.schemas.GateResult;
import io.finestream.schemas.GeneratedImage;
import io.finestream.schemas.GenerationControl;
import io.finestream.schemas.GenerationEvent;
import io.finestream.schemas.HeldBackCandidate;
import io.finestream.schemas.LabeledImage;
import io.finestream.schemas.wire.AvroCodec;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.IntStream;
import org.apache.avro.specific.SpecificRecord;
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
    private static final Duration KAFKA = Duration.ofMillis(500); // from the page to the generator, on a busy machine
    private static final byte[] KEY = {1}; // a compacted topic takes no record without one

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
        browser.load(demo.page().resolve("flower.svg")); // no script there puts back what is cleared
        browser.run("sessionStorage.clear()");
        browser.open(demo.page());
    }

    @Test
    void anImageAppearsWhileThePageIsOpen() throws Exception {
        send("a class of its own", 1);
        WebElement image = browser.find("img[alt='Generated image of the class a class of its own']");
        await().until(image::isDisplayed); // it fades in
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
    void moreLikeThisIsSampledInTheSameWay() {
        Map<String, String> settings = Map.of(
                "#low", "10", "#high", "900", "#channels", "2", "#eta", "0.5", "#respacing", "2,2", "#scale", "1.5");
        browser.find("#ask-form details summary").click();
        settings.forEach(PageITCase::type);
        ask("class 0", "31", "9");
        browser.find(".order .thumbs button").click();
        assertThat(textOf("#details dl"))
                .contains("4 steps (9 asked for) (2,2), eta 0.5", "scale 1.5, timesteps 10 to 900, 2 channels");

        browser.find("#details .close").click();
        browser.open(demo.page());
        browser.find(".card:has(img[alt$='class 0'])").click();
        browser.find("#details [data-do=more]").click();
        settings.forEach((field, value) ->
                assertThat(browser.find(field).getAttribute("value")).as(field).isEqualTo(value));
        assertThat(browser.find("#steps").getAttribute("value")).isEqualTo("9");
    }

    @Test
    void aRequestIsSeenInTheMakingThroughAReloadAndStopsWhenItIsCancelled() {
        type("#number", "64");
        ask("class 5", "77", "1000");
        browser.find(".order .sample img[src^='data:image/png;base64,']");
        String id = browser.find(".order").getAttribute("data-request-id");

        browser.open(demo.page());
        browser.find(".order[data-request-id='%s'] .sample progress".formatted(id));
        assertThat(browser.find(".order").getText()).contains("class 5", "seed 77", "1000 steps ddim");
        browser.find(".order .actions button").click();
        await().atMost(PATIENCE)
                .until(() -> browser.find(".order .state").getText().startsWith("cancelled"));

        assertStoppedWithinTwoSteps(id);
        browser.open(demo.page());
        assertThat(browser.find(".order .state").getText()).startsWith("cancelled");
        assertThat(browser.findNow(".order .sample, .order .actions button")).isEmpty();
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
        assertThat(browser.find("#compare-versions").getText()).matches("v[0-9]+");
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
    void anAddressOfAClassShowsItAlone() throws Exception {
        send("class 1", 15);
        send("another class", 16);
        browser.find("img[alt$='another class']");

        browser.open(demo.page().resolve("?class=CLASS%201"));
        await().untilAsserted(() -> assertThat(browser.find("#only").getText())
                .isEqualTo("Only images of the class “class 1” are shown. Show all classes"));
        assertThat(browser.find("#class").getAttribute("value")).isEqualTo("class 1");
        browser.find("#grid img[alt$='class 1']");
        assertThat(browser.findNow("#grid img:not([alt$='class 1'])")).isEmpty();

        browser.find("#only a").click();
        browser.find("#grid img[alt$='another class']");
        assertThat(browser.find("#only").isDisplayed()).isFalse();
    }

    @Test
    void anAddressOfNoClassIsSaidAndStaysText() {
        browser.open(demo.page().resolve("?class=%3Cimg%20src%3Dx%20onerror%3Dwindow.injected%3D1%3E"));
        assertThat(browser.find("#only.bad").getText())
                .startsWith("There is no class “<img src=x onerror=window.injected=1>”.");
        assertThat(browser.find("#empty").isDisplayed()).isTrue();
        assertThat(browser.run("return window.injected")).isNull();
    }

    @Test
    void theMapNamesClassesUnderThePointerAndLeadsToTheirImages() throws Exception {
        send("class 3", 21);
        browser.load(demo.page().resolve("map.html"));
        await().atMost(PATIENCE).until(() -> browser.find("#state").getText().equals("6 classes in 2 superclasses"));
        List<WebElement> points = browser.findAll("#plot circle");
        assertThat(points).hasSize(6 + 2 + 1); // and what marks the selected one

        browser.hover(points.get(3));
        assertThat(browser.find("#tip").getText()).isEqualTo("class 3");
        assertThat(browser.find("#selected").getText()).contains("class 3", "square");
        await().until(() -> browser.find("#selected img[alt$='class 3']").isDisplayed());
        assertNoBarriers();

        browser.find("#to-gallery").click();
        assertThat(browser.find("#only:not([hidden])").getText()).contains("“class 3”");
    }

    @Test
    void droppedImagesAreLabeledRecordsThatMakeAVersionAndARollbackMakesAnother() throws Exception {
        browser.open(demo.page().resolve("teach.html"));
        type("#subclass", "<b>moss</b> rose");
        type("#superclass", "square");
        drop(8);
        assertThat(browser.find("#send").getText()).isEqualTo("Teach 10 images");
        browser.find("#send").click();
        await().atMost(PATIENCE).until(() -> browser.find("#outcome").getText().endsWith("see the list."));
        assertThat(browser.find("#outcome").getText())
                .isEqualTo("8 images of <b>moss</b> rose sent, 2 refused: see the list.");
        assertThat(browser.findAll("#chosen .state.sent")).hasSize(8);
        assertThat(browser.findAll("#chosen .state.refused"))
                .extracting(WebElement::getText)
                .satisfiesExactly(
                        text -> assertThat(text).contains("no PNG, JPEG, GIF or BMP"),
                        large -> assertThat(large)
                                .isEqualTo("the file has 100.0 MB, expected at most 8.3 MB; scale the image down"));
        List<LabeledImage> labels = records(LabeledImage.class, Topics.DEFAULT.labeled());
        assertThat(labels).hasSize(8).extracting(LabeledImage::getSubclass).containsOnly("<b>moss</b> rose");
        assertThat(labels).extracting(LabeledImage::getSource).contains("the page: 0.png", "the page: 7.png");

        await().atMost(PATIENCE)
                .until(() -> browser.find("#versions-list").getText().contains("Images of <b>moss</b> rose × "));
        HeldBackCandidate candidate = HeldBackCandidate.newBuilder()
                .setParent(1)
                .setStep(4242)
                .setGate(List.of(new GateResult("known classes", "mean squared error", 0.5, 0.75)))
                .setMeasuredAt(Instant.now())
                .build();
        send(Topics.DEFAULT.parameters(), candidate);
        assertThat(browser.find(".is-held-back").getText())
                .contains("Candidate of step 4,242", "held back", "0.5000 → 0.7500 (+50.0 %)");
        assertNoBarriers();
        browser.find("[data-version='0']").click();
        assertThat(textOf("#rollback")).contains("Roll back to version 0?");
        assertThat(browser.barriers()).isEmpty();
        browser.find("#rollback-cancel").click();
        assertThat(browser.find("#rollback").isDisplayed()).isFalse();
        browser.find("[data-version='0']").click();
        browser.find("#rollback-confirm").click();
        await().atMost(PATIENCE)
                .until(() -> browser.find("#outcome").getText().endsWith("has the tensors of version 0."));
        String version = browser.find("#outcome").getText().split(" ")[1];
        assertThat(browser.find(".is-live").getText()).contains("Version " + version, "rollback to 0");

        browser.open(demo.page());
        ask("class 2", "12", "2");
        browser.find(".order .thumbs button").click();
        assertThat(textOf("#details dl")).contains("tiny, version " + version);
    }

    /** Drops so many images on the page, a text that is called one, and a file of 100 MB. */
    private static void drop(int images) {
        List<String> files = IntStream.range(0, images)
                .mapToObj(seed -> FlowerRenderer.render(Species.of(FlowerFamily.ROSE, 1), seed, 64))
                .map(Images::toPng)
                .map(Base64.getEncoder()::encodeToString)
                .toList();
        browser.run("""
                const dropped = new DataTransfer();
                const file = (content, name) => dropped.items.add(new File([content], name));
                arguments[0].forEach((text, i) => file(Uint8Array.from(atob(text), c => c.charCodeAt(0)), `${i}.png`));
                file('no picture', 'notes.png');
                file(new Uint8Array(100e6), 'large.png');
                document.getElementById('drop').dispatchEvent(new DragEvent('drop', {dataTransfer: dropped, bubbles: true}));
                """, files);
    }

    private static void assertNoBarriers() throws Exception {
        for (String colors : List.of("light", "dark")) {
            browser.colors(colors);
            assertThat(browser.barriers()).as(colors).isEmpty();
        }
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
        assertNoBarriers();
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
                    .matches("10,0[0-9][0-9] classes; .*"); // and those that images are of

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

    /** Between the record that cancels and the sample's last step, not counting the way of the record. */
    private static void assertStoppedWithinTwoSteps(String id) {
        Instant sent = records(GenerationControl.class, Topics.DEFAULT.control()).stream()
                .filter(control -> control.getRequestId().equals(id))
                .map(GenerationControl::getSentAt)
                .findFirst()
                .orElseThrow();
        List<GenerationEvent> first = records(GenerationEvent.class, Topics.DEFAULT.events()).stream()
                .filter(event -> event.getRequestId().equals(id) && event.getSample() == 0)
                .toList();
        GenerationEvent begun = first.stream()
                .filter(event -> event.getWhat() == EventKind.STEP)
                .findFirst()
                .orElseThrow();
        GenerationEvent last = first.get(first.size() - 1);
        assertThat(last.getWhat()).isEqualTo(EventKind.CANCELLED);
        assertThat(last.getStep()).isBetween(begun.getStep() + 1, 999);
        Duration step = Duration.between(begun.getAt(), last.getAt()).dividedBy(last.getStep() - begun.getStep());
        assertThat(Duration.between(sent, last.getAt()))
                .isLessThan(step.multipliedBy(2).plus(KAFKA));
    }

    private static <T extends SpecificRecord> List<T> records(Class<T> type, String topic) {
        AvroCodec<T> codec = new AvroCodec<>(type, new WireFormat.SingleObject());
        List<T> records = new ArrayList<>();
        TopicsInTests.committed(
                Map.of("bootstrap.servers", demo.bootstrapServers()),
                topic,
                record -> records.add(TopicsInTests.decode(codec, record)));
        return records;
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

    /** Of what is still fading in, too. */
    private static String textOf(String css) {
        return String.valueOf(browser.find(css).getDomProperty("textContent"));
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
        send(Topics.DEFAULT.images(), image);
    }

    private static <T extends SpecificRecord> void send(String topic, T record) throws Exception {
        @SuppressWarnings("unchecked") // records are of their own class
        AvroCodec<T> codec = new AvroCodec<>((Class<T>) record.getClass(), new WireFormat.SingleObject());
        try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(
                Map.of("bootstrap.servers", demo.bootstrapServers()),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(topic, KEY, codec.encode(record)))
                    .get();
        }
    }
}
