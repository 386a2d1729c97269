package io.finestream.gallery;

import com.sun.net.httpserver.HttpHandler;
import io.finestream.kafka.Topics;
import io.finestream.schemas.wire.WireFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.BiConsumer;

/** The page's second half, {@code /teach.html}: labeled images go out, versions come in, and one can go back. */
final class Teach implements AutoCloseable {

    private final VersionView view;
    private final VersionTimeline timeline;
    private final LabeledImagePosts labeledImages;
    private final RollbackPosts rollback;

    Teach(Map<String, Object> clientProperties, Outbox outbox, Topics topics, WireFormat format, Teaching teaching) {
        view = new VersionView(teaching.taxonomy());
        timeline = new VersionTimeline(clientProperties, topics.parameters(), format, view);
        labeledImages = new LabeledImagePosts(outbox, topics.labeled(), format, view::taxonomy);
        Map<String, String> client = new LinkedHashMap<>();
        clientProperties.forEach((name, value) -> client.put(name, String.valueOf(value)));
        rollback = new RollbackPosts(client, topics.parameters(), format, teaching);
    }

    /** Hands over what is read, and what is asked for by POST. */
    void serve(BiConsumer<String, HttpHandler> reading, BiConsumer<String, HttpHandler> posts) {
        reading.accept(VersionEvents.PATH, new EventStream(new VersionEvents(view)));
        posts.accept(LabeledImagePosts.PATH, labeledImages);
        posts.accept(RollbackPosts.PATH, rollback);
    }

    void start() {
        timeline.start();
    }

    @Override
    public void close() {
        view.close();
        timeline.close();
    }
}
