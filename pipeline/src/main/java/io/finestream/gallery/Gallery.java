package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.finestream.kafka.Topics;
import io.finestream.schemas.wire.WireFormat;
import io.finestream.weights.ModelChoice;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.CommonClientConfigs;
import org.jspecify.annotations.Nullable;

/**
 * A page in the browser that shows images as they arrive on {@code generated-images}, live figures, and what was refused,
 * that asks for more, and another that sends labeled images and shows what versions come of them. It needs no answer from
 * Kafka to start: it waits for brokers and topics.
 */
public final class Gallery implements AutoCloseable {

    private final HttpServer server;
    private final ExecutorService threads;
    private final LiveView view;
    private final TopicFeed feed;
    private final Outbox outbox;
    private final Teach teach;
    private final ClassMapAnswers classMap;
    private final PageAddress address;

    private Gallery(
            HttpServer server,
            ExecutorService threads,
            LiveView view,
            TopicFeed feed,
            Outbox outbox,
            Teach teach,
            ClassMapAnswers classMap,
            PageAddress address) {
        this.server = server;
        this.threads = threads;
        this.view = view;
        this.feed = feed;
        this.outbox = outbox;
        this.teach = teach;
        this.classMap = classMap;
        this.address = address;
    }

    /**
     * Serves the page, and starts to read.
     *
     * @param clientProperties of a Kafka client; {@code bootstrap.servers} at least
     * @param format of the records in the topics
     * @param address if its port is taken, any free one is used: see {@link #uri}
     * @param classes one can ask for
     * @param teaching what is known of the model that is taught
     * @param flinkPage Flink's own page, for a link, or null for none
     * @throws IOException if there is no port to serve on
     * @throws IllegalArgumentException if the Flink page is not at an http or https address
     */
    public static Gallery start(
            Map<String, Object> clientProperties,
            Topics topics,
            WireFormat format,
            PageAddress address,
            ModelClasses classes,
            Teaching teaching,
            @Nullable URI flinkPage)
            throws IOException {
        String about = about(clientProperties, classes, flinkPage);
        LiveView view = new LiveView(format, classes);
        Outbox outbox = new Outbox(clientProperties);
        Teach teach = new Teach(clientProperties, outbox, topics, format, teaching);
        HttpServer server = bind(address);
        ExecutorService threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "gallery-http");
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(threads);
        Gatekeeper reading = Gatekeeper.forReading(address.token());
        Gatekeeper writing = Gatekeeper.forWriting(address.token());
        Gatekeeper uploading = Gatekeeper.forUploads(address.token());
        serve(server, "/", new PageFiles(), reading);
        serve(server, ImageFiles.PATH, new ImageFiles(view.images()), reading);
        serve(server, LiveEvents.PATH, new EventStream(new LiveEvents(view, about)), reading);
        serve(server, "/classes.json", new ClassList(classes), reading);
        serve(server, RequestDesk.PATH, new RequestDesk(outbox, topics.requests(), format, classes), writing);
        serve(server, CancelRequests.PATH, new CancelRequests(outbox, topics.control(), format), writing);
        teach.serve(
                (path, handler) -> serve(server, path, handler, reading),
                (path, handler) -> serve(server, path, handler, uploading));
        ClassMapAnswers classMap = new ClassMapAnswers();
        serve(server, ClassMapAnswers.PATH, classMap, reading);
        TopicFeed feed = new TopicFeed(clientProperties, topics, view);
        startAsDaemon(server);
        feed.start();
        teach.start();
        return new Gallery(server, threads, view, feed, outbox, teach, classMap, address);
    }

    private static String about(Map<String, Object> clientProperties, ModelClasses classes, @Nullable URI flinkPage) {
        ObjectNode about = new JsonMapper()
                .createObjectNode()
                .put(
                        "bootstrapServers",
                        String.valueOf(clientProperties.get(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG)));
        about.set("limits", classes.limits());
        if (flinkPage != null) {
            if (!"http".equals(flinkPage.getScheme()) && !"https".equals(flinkPage.getScheme())) {
                throw new IllegalArgumentException(
                        "the Flink page is %s, expected an http or https address, as in http://127.0.0.1:8081"
                                .formatted(flinkPage));
            }
            about.put("flinkPage", flinkPage.toString());
        }
        return about.toString();
    }

    private static HttpServer bind(PageAddress address) throws IOException {
        InetAddress host = address.resolve();
        try {
            return HttpServer.create(new InetSocketAddress(host, address.port()), 0);
        } catch (BindException taken) {
            return HttpServer.create(new InetSocketAddress(host, 0), 0);
        }
    }

    private static void serve(HttpServer server, String path, HttpHandler handler, Gatekeeper gatekeeper) {
        server.createContext(path, handler).getFilters().add(gatekeeper);
    }

    /** The server's own thread is a daemon if the thread that starts it is. */
    private static void startAsDaemon(HttpServer server) throws IOException {
        Thread starter = new Thread(server::start, "gallery-start");
        starter.setDaemon(true);
        starter.start();
        try {
            starter.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            server.stop(0);
            throw new IOException("interrupted while the gallery started", e);
        }
    }

    /** Shows the map of a model's classes, too; it is laid out in the background. */
    public void mapClasses(ModelChoice model) {
        classMap.layOut(model, threads);
    }

    /** Where the page is, as in {@code http://127.0.0.1:8085/}. */
    public URI uri() {
        String host = address.host().contains(":") ? "[" + address.host() + "]" : address.host();
        return URI.create("http://%s:%d/".formatted(host, server.getAddress().getPort()));
    }

    /** Closes all connections, those of open pages included, and ends all threads. */
    @Override
    public void close() {
        view.images().close();
        feed.close();
        teach.close();
        server.stop(0);
        threads.shutdownNow();
        outbox.close();
    }
}
