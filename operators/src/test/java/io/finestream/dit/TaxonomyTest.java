package io.finestream.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TaxonomyTest {

    private static final Taxonomy FLOWERS = new Taxonomy(
            List.of("Roses", "Tulips"),
            List.of(
                    new Taxonomy.Subclass("Dog Rose", 0),
                    new Taxonomy.Subclass("Moss Rose", 0),
                    new Taxonomy.Subclass("Parrot Tulip", 1),
                    new Taxonomy.Subclass("Lady Tulip", 1)));

    @ParameterizedTest
    @ValueSource(strings = {"Parrot Tulip", "parrot tulip", "PARROT TULIP", "  Parrot Tulip ", "2", "#2"})
    void classIsFoundByNameInAnyCaseAndByNumber(String nameOrNumber) {
        assertThat(FLOWERS.resolve(nameOrNumber)).isEqualTo(2);
        assertThat(FLOWERS.subclassName(2)).isEqualTo("Parrot Tulip");
        assertThat(FLOWERS.superclassOf(2)).isEqualTo(1);
        assertThat(FLOWERS.superclassName(1)).isEqualTo("Tulips");
    }

    @Test
    void misspeltNameIsAnsweredWithTheNearestFirst() {
        assertThatExceptionOfType(UnknownClassException.class)
                .isThrownBy(() -> FLOWERS.subclass("parot tulp"))
                .withMessageContaining("'parot tulp'")
                .withMessageMatching(".*nearest are 'Parrot Tulip', .*");
    }

    @Test
    void partOfANameIsAnsweredWithTheNamesThatContainIt() {
        assertThatExceptionOfType(UnknownClassException.class)
                .isThrownBy(() -> FLOWERS.subclass("rose"))
                .withMessageMatching(".*nearest are 'Dog Rose', 'Moss Rose', .*");
    }

    @ParameterizedTest
    @ValueSource(strings = {"4", "#4", "999999999"})
    void numberOutsideTheClassesIsAnsweredWithTheirRange(String number) {
        assertThatExceptionOfType(UnknownClassException.class)
                .isThrownBy(() -> FLOWERS.resolve(number))
                .withMessageContaining(number.replace("#", ""))
                .withMessageContaining("0 to 3");
        assertThatExceptionOfType(UnknownClassException.class).isThrownBy(() -> FLOWERS.requireSubclass(-1));
    }

    @Test
    void aNameThatIsThereTwiceInAnyCaseIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Taxonomy(
                        List.of("Roses"),
                        List.of(new Taxonomy.Subclass("Dog Rose", 0), new Taxonomy.Subclass("dog rose", 0))))
                .withMessageContaining("'dog rose' is there twice");
    }

    @Test
    void aSuperclassThatIsNotThereIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Taxonomy(List.of("Roses"), List.of(new Taxonomy.Subclass("Lady Tulip", 1))))
                .withMessageContaining("'Lady Tulip' names superclass 1, but there are 1");
    }

    @Test
    void aBlankNameIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Taxonomy(List.of("Roses"), List.of(new Taxonomy.Subclass(" ", 0))))
                .withMessageContaining("subclass 0 has a blank name");
    }

    @Test
    void moreClassesComeBehindThoseThatAreThereAndMoveNoIndex() {
        Taxonomy grown = FLOWERS.plus(List.of(
                new Taxonomy.ClassName("Lilies", "Tiger Lily"),
                new Taxonomy.ClassName("roses", "Burnet Rose"),
                new Taxonomy.ClassName("ROSES", "dog rose"),
                new Taxonomy.ClassName(" Lilies ", " Star Lily "),
                new Taxonomy.ClassName("Lilies", "tiger lily")));
        assertThat(grown.superclasses()).containsExactly("Roses", "Tulips", "Lilies");
        assertThat(grown.subclasses().subList(0, 4)).isEqualTo(FLOWERS.subclasses());
        assertThat(grown.subclasses().subList(4, 7))
                .containsExactly(
                        new Taxonomy.Subclass("Tiger Lily", 2),
                        new Taxonomy.Subclass("Burnet Rose", 0),
                        new Taxonomy.Subclass("Star Lily", 2));
        assertThat(grown.subclass("BURNET ROSE")).isEqualTo(5);
    }

    @Test
    void namesGiveTheSameTaxonomyAgain() {
        Taxonomy again = new Taxonomy(List.of(), List.of()).plus(FLOWERS.names());
        assertThat(again.superclasses()).isEqualTo(FLOWERS.superclasses());
        assertThat(again.subclasses()).isEqualTo(FLOWERS.subclasses());
    }

    @Test
    void aClassThatComesInAnotherSuperclassIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FLOWERS.plus(List.of(new Taxonomy.ClassName("Tulips", "dog rose"))))
                .withMessageContaining("'dog rose' is in superclass 'Roses', but came with 'Tulips'");
    }

    @Test
    void blankNamesOfNewClassesAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FLOWERS.plus(List.of(new Taxonomy.ClassName("Roses", " "))))
                .withMessageContaining("subclass 4 has a blank name");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> FLOWERS.plus(List.of(new Taxonomy.ClassName("", "Star Lily"))))
                .withMessageContaining("superclass 2 has a blank name");
    }

    @Test
    void aSuperclassThatIsThereTwiceInAnyCaseIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new Taxonomy(List.of("Roses", "roses"), List.of()))
                .withMessageContaining("superclass 'roses' is there twice");
    }
}
