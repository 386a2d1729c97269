package io.finestream.cli;

import io.finestream.autotune.ComputeSettings;
import io.finestream.demo.Demo;
import io.finestream.flink.GenerationSettings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "demo",
        mixinStandardHelpOptions = true,
        description = {
            "Runs everything in this process: Kafka, Flink, the generation job, requests, and a page to watch.",
            "Ctrl-C stops it; its state stays in the folder, and the next run goes on from there."
        },
        footer = {"", "Example:", "  finestream demo --dir my-demo --rate 2"})
final class DemoCommand implements Callable<Integer> {

    private static final int KAFKA_PORT = 9092;
    private static final int FLINK_PORT = 8081;
    private static final int PAGE_PORT = 8080;
    private static final int METRICS_PORT = 9249;

    @Option(names = "--dir", paramLabel = "DIR", description = "folder of the state (default ${DEFAULT-VALUE})")
    private Path directory = Path.of("finestream-demo");

    @Option(
            names = "--model",
            description =
                    "model directory, pipeline of diffusers, checkpoint, or name of a shipped model (default ${DEFAULT-VALUE})")
    private String model = "flowers";

    @Option(names = "--rate", paramLabel = "N", description = "requests per second; 0: none (default ${DEFAULT-VALUE})")
    private double rate = 1;

    @Option(names = "--slots", paramLabel = "N", description = "parallel subtasks (default: ${DEFAULT-VALUE})")
    private int slots = Math.max(1, Math.min(2, Runtime.getRuntime().availableProcessors()));

    @Option(names = "--port", paramLabel = "PORT", description = "of the page (default ${DEFAULT-VALUE})")
    private int port = PAGE_PORT;

    @Override
    public Integer call() throws Exception {
        long start = System.nanoTime();
        Demo demo = Demo.start(
                new Demo.Options(
                        directory,
                        GenerationSettings.forModel(model).withCompute(ComputeSettings.MEASURED),
                        slots,
                        KAFKA_PORT,
                        FLINK_PORT,
                        port,
                        METRICS_PORT,
                        rate),
                what -> System.out.println(what + " ..."));
        System.out.printf(
                """

                FineStream runs (started in %.1f s).

                  images as they are made   %s
                  Flink                     %s
                  Kafka                     %s
                  metrics for Prometheus    %s

                Try next, in another terminal:

                  java -jar pipeline/target/finestream.jar request --bootstrap-servers %4$s --class "%7$s" --count 8
                  java -jar pipeline/target/finestream.jar images --bootstrap-servers %4$s --out images --count 50 --grid images.png

                Ctrl-C stops it. The state stays in %s.
                """,
                Duration.ofNanos(System.nanoTime() - start).toMillis() / 1000.0,
                demo.page(),
                demo.flinkPage(),
                demo.bootstrapServers(),
                demo.metrics(),
                directory.toAbsolutePath(),
                demo.exampleClass());
        CountDownLatch stopped = new CountDownLatch(1);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> {
            System.out.println("stopping ...");
            try {
                demo.close();
            } catch (Exception e) {
                System.err.println("finestream: not everything stopped cleanly: " + e.getMessage());
            }
            stopped.countDown();
        }));
        stopped.await();
        return 0;
    }
}
