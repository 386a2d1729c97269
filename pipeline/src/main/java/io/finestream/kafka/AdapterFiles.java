package io.finestream.kafka;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import io.finestream.schemas.ParameterSlice;
import io.finestream.schemas.ParameterVersion;
import io.finestream.torch.TorchOps;
import io.finestream.versions.ParameterSlices;
import io.finestream.weights.Adapter;
import io.finestream.weights.Safetensors;
import io.finestream.weights.WeightsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Where the tensors are that the parameters topic does not hold.
 *
 * @param directory of the fine-tuning job's files; null where none is named
 */
public record AdapterFiles(@Nullable Path directory) {

    private static final Pattern NAME = Pattern.compile("adapter-(\\d+)\\.safetensors");

    /**
     * The adapter file of a version.
     *
     * @param newest version, which the topic holds
     * @throws IOException that says which versions are to be had, if this one is not
     */
    public Path file(ParameterVersion version, long newest) throws IOException {
        long number = version.getVersion();
        Path file = directory == null ? null : Adapter.file(directory, number);
        if (file == null || !Files.isRegularFile(file)) {
            throw new IOException(
                    "the tensors of version " + number + " are not to be had: the topic holds those of the"
                            + " newest only, " + newest + ", and "
                            + (directory == null
                                    ? "no folder of adapter files is named (--adapters)"
                                    : directory + " has adapters of " + available(directory)));
        }
        Adapter.Origin origin = Adapter.origin(Safetensors.open(file));
        if (origin == null || origin.version() != number) {
            throw new WeightsException(file + " holds "
                    + (origin == null ? "no version that it names" : "version " + origin.version()) + ", expected "
                    + number + "; name the folder that the fine-tuning job wrote");
        }
        origin.requireBase("version " + number + " in " + file, version.getBaseModelHash());
        return file;
    }

    /** The tensors of an adapter file, whole. */
    public static Map<String, ParameterSlice> read(Path file, long version) throws IOException {
        Safetensors adapter = Safetensors.open(file);
        Map<String, ParameterSlice> tensors = new LinkedHashMap<>();
        try (NDManager m = TorchOps.newManager(Device.cpu())) {
            TorchOps ops = TorchOps.load(m);
            for (String name : adapter.names()) {
                tensors.put(name, ParameterSlices.whole(version, name, adapter.readFloat32(ops, m, name)));
            }
        }
        return tensors;
    }

    private static String available(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return "none: there is no such folder";
        }
        try (Stream<Path> files = Files.list(directory)) {
            List<String> numbers = files.map(
                            file -> NAME.matcher(file.getFileName().toString()))
                    .filter(matcher -> matcher.matches())
                    .map(matcher -> Long.parseLong(matcher.group(1)))
                    .sorted()
                    .map(number -> Long.toString(number))
                    .toList();
            return numbers.isEmpty() ? "no version" : String.join(", ", numbers);
        }
    }
}
