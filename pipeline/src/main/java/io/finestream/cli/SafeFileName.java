package io.finestream.cli;

import java.nio.charset.StandardCharsets;
import java.util.Locale;
import java.util.zip.CRC32;

/** Names from outside (classes, request ids) as names of files: never a path, whatever they say. */
final class SafeFileName {

    private static final int LONGEST = 100;
    private static final String HARMLESS = "[A-Za-z0-9][A-Za-z0-9 ()',_-]*(\\.[A-Za-z0-9 ()',_-]+)*";

    /** Devices of Windows, with whatever extension. */
    private static final String RESERVED = "(?i)(con|prn|aux|nul|com\\d|lpt\\d)(\\..*)?";

    private SafeFileName() {}

    /**
     * A harmless name stays, but for spaces, which become underscores. Of another one the harmless letters stay, and a
     * checksum keeps it apart from those that look the same.
     */
    static String of(String name) {
        boolean harmless = name.length() <= LONGEST
                && name.equals(name.strip())
                && name.matches(HARMLESS)
                && !name.matches(RESERVED);
        if (harmless) {
            return name.replace(' ', '_');
        }
        CRC32 crc = new CRC32();
        crc.update(name.getBytes(StandardCharsets.UTF_8));
        String letters = name.replaceAll("[^A-Za-z0-9]+", "_").replaceAll("^_+|_+$", "");
        String kept = letters.substring(0, Math.min(LONGEST / 2, letters.length()));
        return String.format(Locale.ROOT, "%s-%08x", kept.isEmpty() ? "unnamed" : kept, crc.getValue());
    }
}
