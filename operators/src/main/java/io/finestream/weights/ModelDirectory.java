package io.finestream.weights;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Objects;

/**
 * Finds a model by the path of its directory or checkpoint, or by name among those that ship on the class path under {@code
 * /models/NAME/}, which are unpacked once into a cache because weights are mapped from files.
 */
public final class ModelDirectory {

    /** Lists the files of a shipped model as {@code sha256sum} does: hash, two spaces, name. */
    static final String CHECKSUMS = "SHA256SUMS";

    private ModelDirectory() {}

    /**
     * @param nameOrPath a directory, a file, or the name of a shipped model
     * @throws WeightsException if it is neither, or a shipped file does not have its checksum
     */
    public static Path locate(String nameOrPath) throws IOException {
        Path directory = Path.of(nameOrPath);
        if (Files.exists(directory)) {
            return directory;
        }
        URL checksums = ModelDirectory.class.getResource("/models/" + nameOrPath + "/" + CHECKSUMS);
        if (checksums == null || nameOrPath.contains("..")) {
            throw new WeightsException("there is no model '" + nameOrPath + "': it is neither a directory or a file ("
                    + directory.toAbsolutePath() + ") nor the name of a model that ships with this program");
        }
        return unpack(nameOrPath, checksums);
    }

    private static Path unpack(String name, URL checksums) throws IOException {
        String list;
        try (InputStream in = checksums.openStream()) {
            list = new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
        String version = sha256(list.getBytes(StandardCharsets.UTF_8)).substring(0, 16);
        Path cache = cacheRoot().resolve(name + "-" + version);
        Files.createDirectories(cache);
        for (String line : list.lines().filter(line -> !line.isBlank()).toList()) {
            String hash = line.substring(0, line.indexOf(' '));
            String file = line.substring(line.lastIndexOf(' ') + 1);
            Path target = cache.resolve(file);
            Files.createDirectories(Objects.requireNonNull(target.getParent()));
            unpack(name, file, hash, target);
        }
        return cache;
    }

    private static void unpack(String name, String file, String hash, Path target) throws IOException {
        if (Files.exists(target) && GenerativeModel.sha256(target).equals(hash)) {
            return;
        }
        String resource = "/models/" + name + "/" + file;
        try (InputStream in = ModelDirectory.class.getResourceAsStream(resource)) {
            if (in == null) {
                throw new WeightsException("the shipped model '" + name + "' lacks its file " + file);
            }
            byte[] bytes = in.readAllBytes();
            if (!sha256(bytes).equals(hash)) {
                throw new WeightsException("the shipped file " + resource + " has SHA-256 " + sha256(bytes)
                        + ", its list says " + hash + "; build or fetch the program again");
            }
            Path partial = Files.createTempFile(
                    target.getParent(), target.getFileName().toString(), ".partial");
            Files.write(partial, bytes);
            Files.move(partial, target, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        }
    }

    private static Path cacheRoot() {
        String home = System.getProperty("user.home", "");
        Path cache = Path.of(home, ".cache", "finestream");
        return Files.isWritable(Path.of(home)) ? cache : Path.of(System.getProperty("java.io.tmpdir"), "finestream");
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("every JDK has SHA-256", e);
        }
    }
}
