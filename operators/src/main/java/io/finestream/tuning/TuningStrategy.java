package io.finestream.tuning;

import io.finestream.dit.DiTParameters;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Which parameters are tuned, as rules over the names of {@link DiTParameters#shapes} (specification of FineDiffusion,
 * sections 2.2 and 7).
 */
public enum TuningStrategy {
    /** FineDiffusion (arXiv 2402.18331): the label tables, every bias and the norms. */
    FINE_DIFFUSION(Rule.SUBCLASS_TABLE, Rule.SUPERCLASS_TABLE, Rule.BIASES, Rule.NORMS),
    /** Everything but the embedding of the positions. */
    FULL(Rule.ALL_BUT_POSITIONS),
    /** BitFit (arXiv 2106.10199): the label tables and the biases; norms stay as they are. */
    BIT_FIT(Rule.SUBCLASS_TABLE, Rule.SUPERCLASS_TABLE, Rule.BIASES),
    /** DiffFit (arXiv 2304.06648): what FineDiffusion tunes, and the network's {@link DiTParameters#gammaShapes}. */
    DIFF_FIT(Rule.SUBCLASS_TABLE, Rule.SUPERCLASS_TABLE, Rule.BIASES, Rule.NORMS, Rule.GAMMAS);

    private static final String NORM = "(blocks\\.\\d+\\.norm[12]|final_layer\\.norm_final)\\.(weight|bias)";

    private enum Rule {
        SUBCLASS_TABLE(Pattern.quote(DiTParameters.SUBCLASS_TABLE)),
        SUPERCLASS_TABLE(Pattern.quote(DiTParameters.SUPERCLASS_TABLE)),
        BIASES("(?!" + NORM + ").+\\.bias"),
        NORMS(NORM),
        GAMMAS("blocks\\.\\d+\\.gamma[12]"),
        ALL_BUT_POSITIONS("(?!pos_embed$).+");

        private final Pattern names;

        Rule(String names) {
            this.names = Pattern.compile(names);
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', ' ');
        }
    }

    private final List<Rule> rules;

    TuningStrategy(Rule... rules) {
        this.rules = List.of(rules);
    }

    /**
     * The parameters that are tuned.
     *
     * @param parameters names of all that the network has
     * @throws IllegalArgumentException if a rule matches none of them
     */
    public Set<String> trainable(Set<String> parameters) {
        Set<String> matched = new LinkedHashSet<>();
        for (Rule rule : rules) {
            List<String> names = parameters.stream()
                    .filter(name -> rule.names.matcher(name).matches())
                    .toList();
            if (names.isEmpty()) {
                throw new IllegalArgumentException(
                        "strategy " + this + " tunes " + rule + ", but none of the network's "
                                + parameters.size() + " parameters is named " + rule.names
                                + "; use a network that has them, or another strategy");
            }
            matched.addAll(names);
        }
        return matched;
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
