package io.finestream.kafka;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** Keeps a second broker, of this JVM or another, out of a directory; it ends with the JVM, however that ends. */
final class DirectoryLock implements AutoCloseable {

    private final FileChannel channel;

    private DirectoryLock(FileChannel channel) {
        this.channel = channel;
    }

    /**
     * @param dir created if missing
     * @throws IOException if the lock is held, or the directory cannot be written to
     */
    static DirectoryLock of(Path dir) throws IOException {
        FileChannel channel = open(dir);
        try {
            if (channel.tryLock() != null) {
                return new DirectoryLock(channel);
            }
        } catch (OverlappingFileLockException heldByThisJvm) {
            // as if held by another
        }
        channel.close();
        throw new IOException("another broker runs in %s; stop it or choose another directory".formatted(dir));
    }

    private static FileChannel open(Path dir) throws IOException {
        try {
            Files.createDirectories(dir);
            return FileChannel.open(dir.resolve("lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        } catch (IOException e) {
            throw new IOException("%s is no directory that can be written to; choose another".formatted(dir), e);
        }
    }

    @Override
    public void close() {
        try {
            channel.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
