package io.finestream.cli;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.IDefaultValueProvider;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/**
 * Values of options that the command line leaves open: from the environment, or else from a file.
 *
 * <p>The option {@code --max-pending} of {@code run} is {@code FINESTREAM_RUN_MAX_PENDING} or, for every command that has
 * such an option, {@code FINESTREAM_MAX_PENDING}; in a file {@code run.max-pending} or {@code max-pending}.
 */
final class Settings implements IDefaultValueProvider {

    /** The file's option; its variable is named like any other. */
    static final String FILE = "config";

    private static final String VARIABLES = "FINESTREAM_";
    private static final Set<String> CONFIGURE_NOTHING = Set.of(FILE, "help", "version");

    /** @param from as people call the place */
    record Setting(String value, String from) {}

    private final SettingPlaces places;
    private final Supplier<@Nullable Path> named;
    private final Map<Path, Map<String, String>> read = new LinkedHashMap<>();

    /** @param named the file that the command line names, or null */
    Settings(SettingPlaces places, Supplier<@Nullable Path> named) {
        this.places = places;
        this.named = named;
    }

    SettingPlaces places() {
        return places;
    }

    @Override
    public @Nullable String defaultValue(ArgSpec argument) {
        try {
            return argument instanceof OptionSpec option
                    ? of(option).map(Setting::value).orElse(null)
                    : null;
        } catch (IOException unreadable) {
            return null; // check says so
        }
    }

    /** What the option is outside of the command line; an option of which only one may be given is nothing there. */
    Optional<Setting> of(OptionSpec option) throws IOException {
        if (!isConfigurable(option)) {
            return Optional.empty();
        }
        List<String> keys = keys(option);
        for (String key : keys) {
            String variable = variable(key);
            String value = places.environment().get(variable);
            if (value != null && !value.isBlank()) {
                return Optional.of(new Setting(value.strip(), variable));
            }
        }
        Optional<Path> file = file();
        if (file.isPresent()) {
            for (String key : keys) {
                String value = in(file.get()).get(key);
                if (value != null) {
                    return Optional.of(new Setting(value, file.get() + ": " + key));
                }
            }
        }
        return Optional.empty();
    }

    /** The file in force: the one that is named, or else the first that is there. */
    Optional<Path> file() {
        Path given = named.get();
        if (given != null) {
            return Optional.of(given);
        }
        String variable = places.environment().get(variable(FILE));
        if (variable != null && !variable.isBlank()) {
            return Optional.of(Path.of(variable.strip()));
        }
        return List.of(places.inWorkingDirectory(), places.inHome()).stream()
                .filter(Files::isRegularFile)
                .findFirst();
    }

    private Map<String, String> in(Path file) throws IOException {
        Map<String, String> known = read.get(file);
        if (known != null) {
            return known;
        }
        Properties properties = new Properties();
        try (Reader reader = Files.newBufferedReader(file)) {
            properties.load(reader);
        } catch (IllegalArgumentException e) {
            throw new IOException(
                    file + " is no properties file: " + e.getMessage() + "; expected a KEY=VALUE on each line", e);
        }
        Map<String, String> values = new TreeMap<>();
        properties
                .stringPropertyNames()
                .forEach(key -> values.put(key, properties.getProperty(key).strip()));
        read.put(file, values);
        return values;
    }

    /**
     * Asked before a command runs; a help is shown all the same.
     *
     * @throws IOException if the file can not be read, or has a key that is no option's
     */
    void check(CommandLine program) throws IOException {
        Optional<Path> file = file();
        if (file.isEmpty()) {
            return;
        }
        Set<String> known = new TreeSet<>();
        collectKeys(program, known);
        for (String key : in(file.get()).keySet()) {
            if (!known.contains(key)) {
                throw new IOException("%s: '%s' is no option that can be set; '%s config --help' says how keys are made"
                        .formatted(file.get(), key, program.getCommandName()));
            }
        }
    }

    private static void collectKeys(CommandLine command, Set<String> keys) {
        command.getCommandSpec().options().stream()
                .filter(Settings::isConfigurable)
                .forEach(option -> keys.addAll(keys(option)));
        command.getSubcommands().values().forEach(sub -> collectKeys(sub, keys));
    }

    static boolean isConfigurable(OptionSpec option) {
        return option.group() == null && !CONFIGURE_NOTHING.contains(key(option));
    }

    static String key(OptionSpec option) {
        return option.longestName().replaceFirst("^-+", "");
    }

    /** What the option is called, the command's own first. */
    private static List<String> keys(OptionSpec option) {
        String key = key(option);
        String command = path(option.command());
        return command.isEmpty() ? List.of(key) : List.of(command + "." + key, key);
    }

    /** As in {@code models.list}; empty for the program itself. */
    private static String path(CommandSpec command) {
        CommandSpec parent = command.parent();
        if (parent == null) {
            return "";
        }
        String before = path(parent);
        return before.isEmpty() ? command.name() : before + "." + command.name();
    }

    private static String variable(String key) {
        return VARIABLES + key.toUpperCase(Locale.ROOT).replaceAll("[.-]", "_");
    }
}
