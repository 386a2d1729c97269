package io.finestream.tuning;

import io.finestream.dit.Taxonomy;
import io.finestream.schemas.ParameterSlice;
import java.util.List;

/**
 * A version that is ready to be published.
 *
 * @param version its number
 * @param parent the version that it goes on from; 0 is the base model
 * @param step optimizer steps since the base model
 * @param averageLoss running average of the squared error; NaN before the first step
 * @param addedClasses since its parent, in the order of their rows
 * @param slices what differs from its parent
 */
public record Release(
        long version,
        long parent,
        long step,
        double averageLoss,
        List<Taxonomy.ClassName> addedClasses,
        List<ParameterSlice> slices) {}
