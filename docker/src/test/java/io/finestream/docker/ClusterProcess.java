package io.finestream.docker;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** What a process of the cluster holds, as the operating system and {@code jcmd} tell. */
record ClusterProcess(long pid) {

    /**
     * @param classLoaders of jobs, after a garbage collection
     * @param engines copies of the engine's library that are loaded
     * @param residentMegabytes native memory included
     */
    record Footprint(long classLoaders, long engines, long residentMegabytes) {}

    Footprint footprint() throws IOException, InterruptedException {
        jcmd("GC.run");
        jcmd("GC.run"); // what was only reachable from what is finalized
        jcmd("System.trim_native_heap"); // what the C library keeps of memory that is free
        long classLoaders = jcmd("VM.classloader_stats")
                .lines()
                .filter(line -> line.contains("ChildFirstClassLoader"))
                .count();
        long engines;
        try (Stream<String> maps = Files.lines(Path.of("/proc/" + pid + "/maps"))) {
            engines = maps.filter(line -> line.endsWith("libtorch_cpu.so"))
                    .map(line -> line.substring(line.indexOf('/')))
                    .distinct()
                    .count();
        }
        try (Stream<String> status = Files.lines(Path.of("/proc/" + pid + "/status"))) {
            String resident =
                    status.filter(line -> line.startsWith("VmRSS:")).findFirst().orElseThrow();
            return new Footprint(classLoaders, engines, Long.parseLong(resident.replaceAll("\\D", "")) / 1024);
        }
    }

    private String jcmd(String command) throws IOException, InterruptedException {
        Path jcmd = Path.of(System.getProperty("java.home"), "bin", "jcmd");
        Process process = new ProcessBuilder(jcmd.toString(), String.valueOf(pid), command)
                .redirectErrorStream(true)
                .start();
        String printed = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        if (process.waitFor() != 0) {
            throw new IOException(jcmd + " " + command + ": " + printed);
        }
        return printed;
    }
}
