package io.finestream.cli;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SafeFileNameTest {

    @Test
    void aHarmlessNameStaysButForItsSpaces() {
        assertThat(SafeFileName.of("golden dwarf allium")).isEqualTo("golden_dwarf_allium");
        assertThat(SafeFileName.of("6f9a3c52-0b1e-4f5d-9f0e-2f6d0c1b7a11"))
                .isEqualTo("6f9a3c52-0b1e-4f5d-9f0e-2f6d0c1b7a11");
        assertThat(SafeFileName.of("Rosa (sect. Caninae)")).isEqualTo("Rosa_(sect._Caninae)");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                ".",
                "..",
                "../x",
                "a/b",
                "a\\b",
                "C:x",
                "~",
                "-rf",
                "a\u0000b",
                "a\nb",
                ".ssh",
                "a..b",
                "nul",
                "COM1.png",
                "x.",
                "x ",
                "ро́за",
                "$(id)",
                "*"
            })
    void anyOtherNameBecomesLettersAndAChecksum(String name) {
        assertThat(SafeFileName.of(name)).matches("[A-Za-z0-9][A-Za-z0-9_]*-[0-9a-f]{8}");
    }

    @Test
    void aLongNameBecomesAShortOne() {
        assertThat(SafeFileName.of("x".repeat(5_000))).hasSizeLessThan(70);
    }

    @Test
    void namesThatLookTheSameAreKeptApart() {
        assertThat(SafeFileName.of("a/b")).isNotEqualTo(SafeFileName.of("a\\b"));
    }
}
