package io.finestream.gallery;

import java.io.IOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.jspecify.annotations.Nullable;

/**
 * Where the page is served, and to whom.
 *
 * @param host name or number of an address of this machine
 * @param port preferred; if it is taken, any free one is used
 * @param token without which nothing is served; null: none is needed
 */
public record PageAddress(String host, int port, @Nullable String token) {

    /** An address that this machine alone reaches. */
    public static final String LOOPBACK = "127.0.0.1";

    private static final String TOKEN_LETTERS = "[A-Za-z0-9._~-]{16,200}";

    /** @throws IllegalArgumentException if others can reach the page and no token is asked, or it is no good token */
    public PageAddress {
        if (port < 0 || port > 0xffff) {
            throw new IllegalArgumentException("port is %d, expected 0 to 65535".formatted(port));
        }
        if (token == null && !host.equals(LOOPBACK)) {
            throw new IllegalArgumentException(
                    "host is %s, where others can reach the page; expected a token, or %s".formatted(host, LOOPBACK));
        }
        if (token != null && !token.matches(TOKEN_LETTERS)) { // it goes into an address and a cookie
            throw new IllegalArgumentException(
                    "the token has %d characters, expected 16 to 200 of A-Z, a-z, 0-9 and . _ ~ -"
                            .formatted(token.length()));
        }
    }

    /** For this machine alone. */
    public static PageAddress local(int port) {
        return new PageAddress(LOOPBACK, port, null);
    }

    InetAddress resolve() throws IOException {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new IOException(
                    "host is %s, expected a name or number of this machine, as in 0.0.0.0".formatted(host), e);
        }
    }
}
