package org.apache.flink.metrics.prometheus;

import io.prometheus.client.exporter.HTTPServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.Properties;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.metrics.reporter.MetricReporter;
import org.apache.flink.metrics.reporter.MetricReporterFactory;

/**
 * Flink's reporter for Prometheus, with the same names and labels, at 127.0.0.1 only: {@link PrometheusReporter} listens
 * at every address of the machine. It stands in this package because the registry of the collectors is not public.
 */
public final class LoopbackPrometheusReporter extends AbstractPrometheusReporter {

    private static final String HOST = "127.0.0.1";
    private static final String PORT = "port";
    private static final String CONFIGURED_AS = "metrics.reporter.loopback.";

    private final HTTPServer server;

    private LoopbackPrometheusReporter(int port) throws IOException {
        server = new HTTPServer(new InetSocketAddress(HOST, port), registry, true);
    }

    /**
     * Has a Flink cluster in this process serve its metrics.
     *
     * @param port a free one
     */
    public static Configuration configuration(int port) {
        return Configuration.fromMap(Map.of(
                CONFIGURED_AS + "factory.class", Factory.class.getName(), CONFIGURED_AS + PORT, String.valueOf(port)));
    }

    @Override
    public void close() {
        server.stop();
        super.close();
    }

    /** Found by Flink as a service. */
    public static final class Factory implements MetricReporterFactory {

        @Override
        public MetricReporter createMetricReporter(Properties properties) {
            String port = properties.getProperty(PORT);
            try {
                return new LoopbackPrometheusReporter(Integer.parseInt(port));
            } catch (IOException e) {
                throw new UncheckedIOException(
                        "metrics can not be served at " + HOST + ":" + port + ": " + e.getMessage()
                                + "; choose a free port",
                        e);
            }
        }
    }
}
