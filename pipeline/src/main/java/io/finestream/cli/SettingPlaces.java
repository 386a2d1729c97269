package io.finestream.cli;

import java.nio.file.Path;
import java.util.Map;

/**
 * Where settings are looked for that the command line leaves open.
 *
 * @param environment variables
 * @param workingDirectory may have a {@value #IN_WORKING_DIRECTORY}
 * @param home of the user
 */
record SettingPlaces(Map<String, String> environment, Path workingDirectory, Path home) {

    private static final String IN_WORKING_DIRECTORY = "finestream.properties";

    static SettingPlaces ofThisProcess() {
        return new SettingPlaces(
                Map.copyOf(System.getenv()), Path.of(""), Path.of(System.getProperty("user.home", "")));
    }

    Path inWorkingDirectory() {
        return workingDirectory.resolve(IN_WORKING_DIRECTORY);
    }

    Path inHome() {
        return home.resolve(".config").resolve("finestream").resolve("config.properties");
    }
}
