package io.finestream.diffusion;

import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * Which timesteps a trajectory visits, as {@code space_timesteps} of improved-diffusion names it: "250" for as many
 * spread evenly, "10,15,20" for as many in each of equal sections of the schedule, the cleanest first, and "ddim50" for
 * 0, stride, 2 · stride, ….
 *
 * @param strided whether it is "ddimN"
 * @param counts timesteps per section; one section where it is strided
 */
public record Respacing(boolean strided, List<Integer> counts) {

    private static final String DDIM = "ddim";
    private static final Pattern NUMBER = Pattern.compile("[0-9]{1,9}");

    /** @throws IllegalArgumentException if it has none of the three forms */
    public static Respacing parse(String text) {
        boolean strided = text.startsWith(DDIM);
        String[] numbers = (strided ? text.substring(DDIM.length()) : text).split(",", -1);
        if ((strided && numbers.length > 1)
                || !Arrays.stream(numbers)
                        .allMatch(number -> NUMBER.matcher(number).matches())) {
            throw new IllegalArgumentException("respacing is '" + text
                    + "', expected a number of timesteps (250), one for each section (10,15,20), or ddim and a number"
                    + " (ddim50)");
        }
        return new Respacing(
                strided, Arrays.stream(numbers).map(Integer::valueOf).toList());
    }

    /**
     * The timesteps, ascending.
     *
     * @throws IllegalArgumentException if the schedule can not be divided so
     */
    public int[] timesteps(NoiseSchedule schedule) {
        if (strided) {
            return strided(schedule);
        }
        return counts.size() == 1 ? even(schedule) : sections(schedule);
    }

    private int[] even(NoiseSchedule schedule) {
        int n = counts.get(0);
        if (n < 1 || n > schedule.timesteps()) {
            throw wrong("expected 1 to " + schedule.timesteps());
        }
        return schedule.evenTimesteps(n);
    }

    private int[] strided(NoiseSchedule schedule) {
        int n = counts.get(0);
        return schedule.stride(n)
                .map(stride -> schedule.every(stride))
                .orElseThrow(() -> wrong("but no whole stride visits " + n + " of " + schedule.timesteps()
                        + " timesteps; expected a number like 50, 100 or 250"));
    }

    /** Sections differ by at most one timestep, the larger ones first; of one timestep, a section's first is taken. */
    private int[] sections(NoiseSchedule schedule) {
        int size = schedule.timesteps() / counts.size();
        int larger = schedule.timesteps() % counts.size();
        IntStream.Builder all = IntStream.builder();
        int start = 0;
        for (int i = 0; i < counts.size(); i++) {
            int length = size + (i < larger ? 1 : 0);
            int n = counts.get(i);
            if (n > length) {
                throw wrong("but section " + (i + 1) + " of " + counts.size() + " has " + length
                        + " timesteps; expected at most as many");
            }
            for (int t : NoiseSchedule.spread(length, n)) {
                all.add(start + t);
            }
            start += length;
        }
        int[] timesteps = all.build().toArray();
        if (timesteps.length == 0) {
            throw wrong("expected at least one timestep");
        }
        return timesteps;
    }

    private IllegalArgumentException wrong(String why) {
        return new IllegalArgumentException("respacing is '" + this + "', " + why);
    }

    @Override
    public String toString() {
        String numbers = String.join(",", counts.stream().map(String::valueOf).toList());
        return strided ? DDIM + numbers : numbers;
    }
}
