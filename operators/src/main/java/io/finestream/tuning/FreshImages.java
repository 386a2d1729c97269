package io.finestream.tuning;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Images that came in and are still to be trained on: each is in a set number of batches, then it is done. So what
 * training costs grows with the images that come, and where they come faster than they are learned, the oldest give way.
 */
final class FreshImages {

    /** An image and the number of batches it is still to be in. */
    record Fresh(LabeledLatent image, int usesLeft) {}

    private final int capacity;
    private final Deque<Fresh> queue = new ArrayDeque<>();

    /** @param capacity most images, at least 1 */
    FreshImages(int capacity) {
        this.capacity = capacity;
    }

    /** Takes an image in, and returns those that give way to it. */
    List<LabeledLatent> add(Fresh fresh) {
        queue.add(fresh);
        List<LabeledLatent> done = new ArrayList<>();
        while (queue.size() > capacity) {
            done.add(queue.remove().image());
        }
        return done;
    }

    /**
     * Uses up to {@code count} different images, those first that have waited longest since their last use.
     *
     * @param used receives them
     * @return those that are done with it
     */
    List<LabeledLatent> use(int count, List<LabeledLatent> used) {
        List<LabeledLatent> done = new ArrayList<>();
        for (int i = Math.min(count, queue.size()); i > 0; i--) {
            Fresh next = queue.remove();
            used.add(next.image());
            if (next.usesLeft() > 1) {
                queue.add(new Fresh(next.image(), next.usesLeft() - 1));
            } else {
                done.add(next.image());
            }
        }
        return done;
    }

    /** Gives all of them up. */
    List<LabeledLatent> clear() {
        List<LabeledLatent> all = queue.stream().map(Fresh::image).toList();
        queue.clear();
        return all;
    }

    boolean isEmpty() {
        return queue.isEmpty();
    }

    int size() {
        return queue.size();
    }

    /** In the order in which they are used next. */
    List<Fresh> images() {
        return List.copyOf(queue);
    }
}
