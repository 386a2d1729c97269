package io.finestream.gallery;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpHandler;
import com.sun.net.httpserver.HttpServer;
import io.finestream.kafka.Topics;
import io.finestream.schemas.wire.WireFormat;
import java.io.IOException;
import java.net.BindException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.kafka.clients.CommonClientConfigs;
import org.jspecify.annotations.Nullable;

/**
 * A page in the browser that shows images as they arrive on {@code generated-images}, live figures, and what was refused.
 * It serves this machine only, on 127.0.0.1, and needs no answer from Kafka to start: it waits for brokers and topics.
 */
public final class Gallery implements AutoCloseable {

    private static final String HOST = "127.0.0.1";

    private final HttpServer server;
    private final ExecutorService threads;
    private final LiveView view;
    private final TopicFeed feed;
    private final CancelRequests cancel;

    private Gallery(HttpServer server, ExecutorService threads, LiveView view, TopicFeed feed, CancelRequests cancel) {
        this.server = server;
        this.threads = threads;
        this.view = view;
        this.feed = feed;
        this.cancel = cancel;
    }

    /**
     * Serves the page, and starts to read.
     *
     * @param clientProperties of a Kafka consumer; {@code bootstrap.servers} at least
     * @param format of the records in the topics
     * @param port preferred; if it is taken, any free one is used: see {@link #uri}
     * @param flinkPage Flink's own page, for a link, or null for none
     * @throws IOException if there is no port to serve on
     * @throws IllegalArgumentException if the Flink page is not at an http or https address
     */
    public static Gallery start(
            Map<String, Object> clientProperties, Topics topics, WireFormat format, int port, @Nullable URI flinkPage)
            throws IOException {
        String about = about(clientProperties, flinkPage);
        LiveView view = new LiveView(format);
        PageFiles page = new PageFiles();
        HttpServer server = bind(port);
        ExecutorService threads = Executors.newCachedThreadPool(task -> {
            Thread thread = new Thread(task, "gallery-http");
            thread.setDaemon(true);
            return thread;
        });
        server.setExecutor(threads);
        serve(server, "/", page);
        serve(server, ImageFiles.PATH, new ImageFiles(view.images()));
        serve(server, "/events", new EventStream(view, about));
        CancelRequests cancel = new CancelRequests(clientProperties, topics.control(), format);
        serve(server, "/api/cancel", cancel, "POST");
        TopicFeed feed = new TopicFeed(clientProperties, topics, view);
        startAsDaemon(server);
        feed.start();
        return new Gallery(server, threads, view, feed, cancel);
    }

    private static String about(Map<String, Object> clientProperties, @Nullable URI flinkPage) {
        ObjectNode about = new JsonMapper()
                .createObjectNode()
                .put(
                        "bootstrapServers",
                        String.valueOf(clientProperties.get(CommonClientConfigs.BOOTSTRAP_SERVERS_CONFIG)));
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

    private static HttpServer bind(int port) throws IOException {
        InetAddress loopback = InetAddress.getByAddress(new byte[] {127, 0, 0, 1});
        try {
            return HttpServer.create(new InetSocketAddress(loopback, port), 0);
        } catch (BindException taken) {
            return HttpServer.create(new InetSocketAddress(loopback, 0), 0);
        }
    }

    private static void serve(HttpServer server, String path, HttpHandler handler) {
        serve(server, path, handler, "GET", "HEAD");
    }

    private static void serve(HttpServer server, String path, HttpHandler handler, String... methods) {
        server.createContext(path, handler).getFilters().add(new LocalBrowsersOnly(List.of(methods)));
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

    /** Where the page is, as in {@code http://127.0.0.1:8085/}. */
    public URI uri() {
        return URI.create("http://%s:%d/".formatted(HOST, server.getAddress().getPort()));
    }

    /** Closes all connections, those of open pages included, and ends all threads. */
    @Override
    public void close() {
        view.images().close();
        feed.close();
        server.stop(0);
        threads.shutdownNow();
        cancel.close();
    }
}
