package io.finestream.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.knowm.xchart.BitmapEncoder;
import org.knowm.xchart.XYChart;
import org.knowm.xchart.XYChartBuilder;
import org.knowm.xchart.style.markers.SeriesMarkers;

/**
 * The first loss of a training log, by step, with a logarithmic axis.
 *
 * @param name of the loss
 */
record LossCurve(String name, List<Long> steps, List<Double> losses) {

    private static final int WIDTH = 720;
    private static final int HEIGHT = 400;

    /** Reads a table with a header line; its first column is the step, its second the loss. */
    static LossCurve read(Path log) throws IOException {
        List<String> lines = Files.readAllLines(log);
        List<Long> steps = new ArrayList<>();
        List<Double> losses = new ArrayList<>();
        for (String line : lines.subList(1, lines.size())) {
            String[] columns = line.split("\t", 3);
            steps.add(Long.valueOf(columns[0]));
            losses.add(Double.valueOf(columns[1]));
        }
        return new LossCurve(lines.get(0).split("\t", 3)[1], steps, losses);
    }

    void writePng(Path file) throws IOException {
        if (steps.isEmpty()) {
            return;
        }
        XYChart chart = new XYChartBuilder()
                .width(WIDTH)
                .height(HEIGHT)
                .xAxisTitle("step")
                .yAxisTitle(name)
                .build();
        chart.getStyler().setYAxisLogarithmic(true).setLegendVisible(false);
        chart.addSeries(name, steps, losses).setMarker(SeriesMarkers.NONE);
        Files.write(file, BitmapEncoder.getBitmapBytes(chart, BitmapEncoder.BitmapFormat.PNG));
    }
}
