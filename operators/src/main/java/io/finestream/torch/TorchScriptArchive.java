package io.finestream.torch;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Packs TorchScript source into the archive that {@code torch.jit.load} reads: a zip of the pickled module object, its
 * code, its constants and a format version. The module has no weights, so nothing of it needs Python.
 */
final class TorchScriptArchive {

    private static final String CLASS = "Ops";
    private static final String FORMAT_VERSION = "10\n";

    private TorchScriptArchive() {}

    /**
     * @param functions {@code def name(self, ...)} definitions in the serialised TorchScript dialect; lines that start
     *     with {@code #} are comments
     */
    static byte[] pack(String functions) throws IOException {
        StringBuilder code = new StringBuilder(
                "class " + CLASS + "(Module):\n" + "  __parameters__ = []\n  __buffers__ = []\n  training : bool\n");
        functions
                .lines()
                .filter(line -> !line.startsWith("#"))
                .map(line -> line.replace("(self,", "(self: __torch__." + CLASS + ","))
                .forEach(line -> code.append("  ").append(line).append('\n'));
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            zip.setMethod(ZipOutputStream.STORED);
            put(zip, "data.pkl", pickledModule());
            put(zip, "code/__torch__.py", code.toString().getBytes(StandardCharsets.UTF_8));
            put(zip, "constants.pkl", new byte[] {(byte) 0x80, 2, ')', '.'}); // PROTO 2, EMPTY_TUPLE, STOP
            put(zip, "version", FORMAT_VERSION.getBytes(StandardCharsets.US_ASCII));
        }
        return bytes.toByteArray();
    }

    /** {@code Ops.__new__(Ops)} with the state {@code {"training": False}}. */
    private static byte[] pickledModule() {
        byte[] key = "training".getBytes(StandardCharsets.US_ASCII);
        ByteArrayOutputStream pickle = new ByteArrayOutputStream();
        pickle.writeBytes(new byte[] {(byte) 0x80, 2}); // PROTO 2
        pickle.writeBytes(("c__torch__\n" + CLASS + "\n").getBytes(StandardCharsets.US_ASCII)); // GLOBAL
        pickle.writeBytes(new byte[] {')', (byte) 0x81, '}', '('}); // EMPTY_TUPLE NEWOBJ EMPTY_DICT MARK
        pickle.writeBytes(new byte[] {'X', (byte) key.length, 0, 0, 0}); // BINUNICODE
        pickle.writeBytes(key);
        pickle.writeBytes(new byte[] {(byte) 0x89, 'u', 'b', '.'}); // NEWFALSE SETITEMS BUILD STOP
        return pickle.toByteArray();
    }

    private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
        CRC32 crc = new CRC32();
        crc.update(content);
        ZipEntry entry = new ZipEntry("ops/" + name);
        entry.setCrc(crc.getValue());
        entry.setSize(content.length);
        entry.setCompressedSize(content.length);
        zip.putNextEntry(entry);
        zip.write(content);
        zip.closeEntry();
    }
}
