package io.finestream.datasets;

/**
 * An image file and its class.
 *
 * @param id its path in the data set, with slashes: the same wherever the data set lies
 */
public record LabeledFile(String id, String superclass, String subclass) {
    public LabeledFile {
        superclass = superclass.strip();
        subclass = subclass.strip();
    }
}
