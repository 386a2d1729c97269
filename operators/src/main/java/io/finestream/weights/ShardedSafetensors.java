package io.finestream.weights;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Safetensors in several files, as huggingface saves large models: an index {@code *.safetensors.index.json} says in
 * {@code weight_map} which file beside it holds which tensor.
 */
public final class ShardedSafetensors extends TensorFile {

    static final String INDEX = ".safetensors.index.json";

    private ShardedSafetensors(Path file, Map<String, StoredTensor> tensors, Map<String, String> metadata) {
        super(file, tensors, metadata);
    }

    /**
     * Reads the index and the headers of the files that it names.
     *
     * @throws WeightsException if one of them is missing or broken, or lacks a tensor that the index says it has
     */
    public static ShardedSafetensors open(Path index) throws IOException {
        JsonNode json = readIndex(index);
        JsonNode weightMap = json.path("weight_map");
        if (!weightMap.isObject() || weightMap.isEmpty()) {
            throw broken(index, "it has no weight_map");
        }
        Map<String, Safetensors> shards = new HashMap<>();
        Map<String, StoredTensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, JsonNode> place : weightMap.properties()) {
            String name = place.getKey();
            String shard = requireFileName(index, name, place.getValue());
            if (!shards.containsKey(shard)) {
                shards.put(shard, openShard(index, shard));
            }
            StoredTensor tensor = shards.get(shard).tensors().get(name);
            if (tensor == null) {
                throw broken(index, "it says that " + shard + " has tensor '" + name + "', which it has not");
            }
            tensors.put(name, tensor);
        }
        Map<String, String> metadata = new LinkedHashMap<>();
        json.path("metadata")
                .properties()
                .forEach(m -> metadata.put(m.getKey(), m.getValue().asText()));
        return new ShardedSafetensors(index, tensors, metadata);
    }

    /** @throws WeightsException if there is none, or more than one */
    static Path indexIn(Path directory) throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            List<Path> found = files.filter(f -> f.getFileName().toString().endsWith(INDEX))
                    .toList();
            if (found.size() != 1) {
                throw new WeightsException(directory + " is a directory with " + found.size() + " files *" + INDEX
                        + ", expected one; name the file in it");
            }
            return found.get(0);
        }
    }

    private static JsonNode readIndex(Path index) throws IOException {
        try {
            long size = Files.size(index);
            if (size > Safetensors.MAX_HEADER) {
                throw broken(index, "it has " + size + " bytes");
            }
            return Safetensors.JSON.readTree(Files.readString(index));
        } catch (NoSuchFileException e) {
            throw new WeightsException("there is no file " + index.toAbsolutePath(), e);
        } catch (JsonProcessingException e) {
            throw broken(index, "it is not JSON (" + e.getOriginalMessage() + ")");
        } catch (CharacterCodingException e) {
            throw broken(index, "it is not text");
        }
    }

    /** An index names files beside it, and no others. */
    private static String requireFileName(Path index, String tensor, JsonNode shard) throws WeightsException {
        String name = shard.isTextual() ? shard.asText() : "";
        if (!name.matches("[^/\\\\:\\x00-\\x1f]+") || name.equals("..") || name.equals(".")) {
            throw broken(
                    index, "it puts tensor '" + tensor + "' into " + shard + ", expected the name of a file beside it");
        }
        return name;
    }

    private static Safetensors openShard(Path index, String shard) throws IOException {
        Path file = index.resolveSibling(shard);
        if (!Files.exists(file)) {
            throw new WeightsException("there is no file " + file.toAbsolutePath() + ", which " + index.getFileName()
                    + " names; fetch all files of the model into one directory");
        }
        return Safetensors.open(file);
    }

    private static WeightsException broken(Path index, String why) {
        return new WeightsException(index + " is not a whole index of safetensors: " + why + "; fetch it again");
    }
}
