package io.finestream.flink;

import io.finestream.schemas.LiveVersion;
import io.finestream.schemas.Trajectory;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Of the versions that all subtasks had saved, those that one of them needs after a restore: the newest, from which it
 * goes on reading, and those that its trajectories are pinned to.
 */
record SavedVersions(@Nullable LiveVersion newest, Collection<LiveVersion> versions) {

    /** @param saved read one by one: together they may be large */
    static SavedVersions of(Iterable<LiveVersion> saved, Collection<Trajectory> trajectories) {
        Set<Long> pinned =
                trajectories.stream().map(Trajectory::getModelVersion).collect(Collectors.toSet());
        Map<Long, LiveVersion> needed = new HashMap<>();
        LiveVersion newest = null;
        for (LiveVersion version : saved) {
            if (newest == null || version.getNextOffset() > newest.getNextOffset()) {
                newest = version;
            }
            if (pinned.contains(version.getCommit().getVersion())) {
                needed.put(version.getCommit().getVersion(), version);
            }
        }
        if (newest != null) {
            needed.put(newest.getCommit().getVersion(), newest);
        }
        return new SavedVersions(newest, needed.values());
    }
}
