package io.finestream.gallery;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpHandler;
import java.io.IOException;

/** {@code /images/NUMBER}: the file of a recent image. */
final class ImageFiles implements HttpHandler {

    static final String PATH = "/images/";

    private final RecentImages images;

    ImageFiles(RecentImages images) {
        this.images = images;
    }

    @Override
    public void handle(HttpExchange exchange) throws IOException {
        String number = exchange.getRequestURI().getPath().substring(PATH.length());
        RecentImages.Shown image = number.matches("[0-9]{1,18}") ? images.find(Long.parseLong(number)) : null;
        if (image == null) {
            Answer.notFound(exchange);
        } else {
            byte[] file = new byte[image.file().remaining()];
            image.file().duplicate().get(file);
            Answer.send(exchange, 200, image.mediaType(), "private, max-age=86400, immutable", file);
        }
    }
}
