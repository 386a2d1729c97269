package io.finestream.cli;

import io.finestream.dit.Taxonomy;
import io.finestream.gallery.Gallery;
import io.finestream.gallery.ModelClasses;
import io.finestream.gallery.PageAddress;
import io.finestream.gallery.Teaching;
import io.finestream.weights.ModelChoice;
import io.finestream.weights.ModelConfig;
import io.finestream.weights.ModelFiles;
import java.io.PrintWriter;
import java.net.URI;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.HashMap;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

@Command(
        name = "gallery",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        description = {
            "Serves the page: images as they arrive on Kafka, and a form to ask for more.",
            "For this machine alone, unless --host says otherwise; then it demands a token. Ctrl-C stops it."
        },
        footer = {
            "",
            "Examples:",
            "  finestream gallery --bootstrap-servers broker:9092 --model my-model",
            "  finestream gallery --host 0.0.0.0 --port 8090"
        })
final class GalleryCommand implements Callable<Integer> {

    private static final int TOKEN_BYTES = 24;

    @Mixin
    private KafkaOptions kafka = new KafkaOptions();

    @Option(names = "--port", paramLabel = "PORT", description = "of the page (default ${DEFAULT-VALUE})")
    private int port = 8080;

    @Option(
            names = "--host",
            paramLabel = "HOST",
            description = "address to listen at; 0.0.0.0: every one of this machine (default ${DEFAULT-VALUE})")
    private String host = PageAddress.LOOPBACK;

    @Option(
            names = "--token",
            paramLabel = "TEXT",
            description = "who opens the page must have it (default: none at 127.0.0.1, elsewhere a random one)")
    private @Nullable String token;

    @Option(
            names = "--model",
            paramLabel = "MODEL",
            description = "the one that is served, for its classes (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Mixin
    private ModelFileOptions files = new ModelFileOptions();

    @Option(
            names = "--adapters",
            paramLabel = "DIR",
            description = "adapter files of the fine-tuning job, for going back to older versions")
    private @Nullable Path adapters;

    @Option(names = "--flink", paramLabel = "URL", description = "Flink's page, for a link")
    private @Nullable URI flinkPage;

    @Spec
    @SuppressWarnings("NullAway.Init") // picocli sets it
    private CommandSpec command;

    @Override
    public Integer call() throws Exception {
        PageAddress address = address();
        ModelChoice choice = files.of(model);
        ModelFiles located = choice.locate();
        ModelConfig config = located.readConfig();
        Taxonomy taxonomy = located.readTaxonomy(config);
        CountDownLatch stopped = new CountDownLatch(1);
        Gallery gallery = Gallery.start(
                new HashMap<>(kafka.clientProperties()),
                kafka.topics(),
                kafka.wireFormat(),
                address,
                new ModelClasses(config, taxonomy),
                new Teaching(taxonomy, adapters, choice),
                flinkPage);
        gallery.mapClasses(choice);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            gallery.close();
            stopped.countDown();
        }));
        PrintWriter out = command.commandLine().getOut();
        out.printf(
                "images of %s at %s%s; Ctrl-C stops it%n",
                kafka.address(), gallery.uri(), address.token() == null ? "" : "?token=" + address.token());
        out.flush();
        stopped.await();
        return 0;
    }

    private PageAddress address() {
        boolean needsToken = token == null && !host.equals(PageAddress.LOOPBACK);
        try {
            return new PageAddress(host, port, needsToken ? randomToken() : token);
        } catch (IllegalArgumentException e) {
            throw Usage.wrong(command, String.valueOf(e.getMessage()));
        }
    }

    private static String randomToken() {
        byte[] bytes = new byte[TOKEN_BYTES];
        new SecureRandom().nextBytes(bytes);
        return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
    }
}
