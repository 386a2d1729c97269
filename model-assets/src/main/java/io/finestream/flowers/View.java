package io.finestream.flowers;

/** From where a family is seen, which decides how far a picture may turn it. */
enum View {
    FROM_ABOVE(0.15),
    FROM_THE_SIDE(0.07);

    private final double largestTurn;

    View(double largestTurn) {
        this.largestTurn = largestTurn;
    }

    /** In radians, to either side. */
    double largestTurn() {
        return largestTurn;
    }
}
