package io.finestream.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import io.finestream.torch.TorchOps;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.commons.text.similarity.LevenshteinDistance;

/** Named tensors in a file, whatever its format; they stay in the file until they are asked for. */
public abstract sealed class TensorFile permits Safetensors, ShardedSafetensors, PyTorchCheckpoint {

    private static final int RECOGNISED_BY = 64;
    private static final int SHOWN = 20;
    private static final int COMPARED = 2_000; // names that a misspelt one is compared with
    private static final int MISSPELT = 4; // letters

    private final Path file;
    private final Map<String, StoredTensor> tensors;
    private final Map<String, String> metadata;

    TensorFile(Path file, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
        this.file = file;
        this.tensors = tensors;
        this.metadata = metadata;
    }

    /** Opens a file; of a training checkpoint, the moving average of the parameters. */
    public static TensorFile open(Path file) throws IOException {
        return open(file, PyTorchCheckpoint.Part.EMA);
    }

    /**
     * Opens safetensors, the index of safetensors in several files (or the directory that it lies in), or what
     * torch.save wrote. The content decides which, not the name.
     *
     * @param part which network of a training checkpoint; files with a single one do not care
     * @throws WeightsException if the file is missing, is of no such format, or is broken
     */
    public static TensorFile open(Path file, PyTorchCheckpoint.Part part) throws IOException {
        if (Files.isDirectory(file)) {
            return ShardedSafetensors.open(ShardedSafetensors.indexIn(file));
        }
        byte[] start = start(file);
        if (PyTorchCheckpoint.isZip(start)) {
            return PyTorchCheckpoint.open(file, part);
        }
        if (Safetensors.hasHeader(start)) {
            return Safetensors.open(file);
        }
        if (PyTorchCheckpoint.isBeforeZip(start)) {
            throw new WeightsException(file + " is in the format of torch before 1.6, which is not read; load it in"
                    + " torch 1.6 or later and save it again with torch.save, or convert it to safetensors");
        }
        String text = new String(start, StandardCharsets.ISO_8859_1).stripLeading();
        if (text.startsWith("version https://git-lfs")) {
            throw new WeightsException(file + " is a pointer of Git LFS, not the file that it stands for; fetch that"
                    + " with 'git lfs pull'");
        }
        if (text.startsWith("<")) {
            throw new WeightsException(file + " is a page of HTML or XML, as a server sends it for a wrong address or"
                    + " without login; fetch the file itself");
        }
        return text.startsWith("{") ? ShardedSafetensors.open(file) : Safetensors.open(file);
    }

    private static byte[] start(Path file) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
            return Safetensors.read(channel, 0, (int) Math.min(RECOGNISED_BY, channel.size()))
                    .array();
        } catch (NoSuchFileException e) {
            throw new WeightsException("there is no file " + file.toAbsolutePath(), e);
        }
    }

    public final Path file() {
        return file;
    }

    /** Every file that its tensors lie in, and {@link #file}: what a copy or a hash has to cover. */
    public final List<Path> files() {
        return Stream.concat(Stream.of(file), tensors.values().stream().map(StoredTensor::file))
                .distinct()
                .toList();
    }

    public final Set<String> names() {
        return Collections.unmodifiableSet(tensors.keySet());
    }

    /** What the file says about itself; empty where the format has no place for it. */
    public final Map<String, String> metadata() {
        return Collections.unmodifiableMap(metadata);
    }

    /** How many numbers there are of each type, by its safetensors name. */
    public final Map<String, Long> numbers() {
        Map<String, Long> numbers = new TreeMap<>();
        tensors.values()
                .forEach(tensor ->
                        numbers.merge(tensor.type().name(), tensor.shape().size(), Long::sum));
        return numbers;
    }

    /** @throws WeightsException if there is no such tensor */
    public final Shape shape(String name) throws WeightsException {
        return tensor(name).shape();
    }

    /**
     * Maps a tensor into memory, in its own type and read-only: writing to it in place would crash the process, so
     * trainable tensors are copied. The pages belong to the operating system until they are touched. What the engine
     * can not use in place is copied: tensors of 2 GiB and more, all on a GPU.
     *
     * @param owner receives the tensor
     */
    public final NDArray map(TorchOps ops, NDManager owner, String name) throws IOException {
        return tensor(name).map(ops, owner);
    }

    /** A tensor as float32, copied out of the file if it has another type. It can be part of a network that is trained. */
    public final NDArray readFloat32(TorchOps ops, NDManager owner, String name) throws IOException {
        return tensor(name).readFloat32(ops, owner);
    }

    /**
     * A tensor to be written into another file, in its own type and under its name here.
     *
     * @throws WeightsException if there is no such tensor
     */
    public final TensorSource source(String name) throws WeightsException {
        return TensorSource.of(tensor(name));
    }

    /**
     * Checks that the file holds the tensors of a network.
     *
     * @param expected shapes by name
     * @param mayBeMissing by name
     * @throws WeightsException that lists the missing, unexpected and misshapen tensors
     */
    final void requireTensors(Map<String, Shape> expected, Predicate<String> mayBeMissing) throws WeightsException {
        Set<String> unexpected = new LinkedHashSet<>(tensors.keySet());
        unexpected.removeAll(expected.keySet());
        List<String> problems = new ArrayList<>();
        expected.forEach((name, shape) -> {
            StoredTensor tensor = tensors.get(name);
            if (tensor == null) {
                if (!mayBeMissing.test(name)) {
                    String nearest = problems.size() < SHOWN ? nearest(name, unexpected) : "";
                    problems.add("missing " + name + (nearest.isEmpty() ? "" : " (did you mean " + nearest + "?)"));
                }
            } else if (!tensor.shape().equals(shape)) {
                problems.add(name + " is " + tensor.shape() + ", expected " + shape);
            }
        });
        unexpected.forEach(name -> problems.add("unexpected " + name));
        if (!problems.isEmpty()) {
            throw new WeightsException(file + " does not fit the model's configuration: " + shown(problems, "; ")
                    + "; check config.json (sizes, classes) against the file");
        }
    }

    /** The name that differs in the fewest letters, or nothing if all differ in many. */
    private static String nearest(String name, Set<String> candidates) {
        String nearest = "";
        int fewest = MISSPELT + 1;
        LevenshteinDistance distance = new LevenshteinDistance(MISSPELT);
        for (String candidate : candidates.stream().limit(COMPARED).toList()) {
            if (Math.abs(candidate.length() - name.length()) <= MISSPELT) {
                int letters = distance.apply(name, candidate); // -1 for more than MISSPELT
                if (letters >= 0 && letters < fewest) {
                    nearest = candidate;
                    fewest = letters;
                }
            }
        }
        return nearest;
    }

    final StoredTensor tensor(String name) throws WeightsException {
        StoredTensor tensor = tensors.get(name);
        if (tensor == null) {
            throw new WeightsException(
                    file + " has no tensor '" + name + "'; it has [" + shown(tensors.keySet(), ", ") + "]");
        }
        return tensor;
    }

    private static String shown(Collection<String> all, String separator) {
        String first = all.stream().limit(SHOWN).collect(Collectors.joining(separator));
        return first + (all.size() > SHOWN ? separator + "and " + (all.size() - SHOWN) + " more" : "");
    }

    /** The tensors that a format in several files refers to. */
    final Map<String, StoredTensor> tensors() {
        return tensors;
    }
}
