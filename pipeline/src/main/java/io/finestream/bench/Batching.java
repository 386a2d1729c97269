package io.finestream.bench;

import io.finestream.diffusion.DenoiseBatch;
import io.finestream.diffusion.SampleSpec;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/** Who may join a batch, and when its members are answered. */
public enum Batching {
    /** Requests join and leave between any two steps. */
    STEP {
        @Override
        void admit(Deque<Integer> waiting, List<SampleSpec> specs, DenoiseBatch<Integer> batch) {
            admitInOrder(waiting, specs, batch);
        }

        @Override
        boolean answersAsTheyAreDone() {
            return true;
        }
    },
    /**
     * A batch is formed of what waits, whatever it asks for, and all of it is answered when its longest is done. Until
     * then its rows stay, as those of a tensor do that one loop runs over: the request-level scheduling that Orca (Yu et
     * al., OSDI 2022, section 3.1) is held against.
     */
    REQUEST {
        @Override
        void admit(Deque<Integer> waiting, List<SampleSpec> specs, DenoiseBatch<Integer> batch) {
            admitIfEmpty(waiting, specs, batch);
        }

        @Override
        boolean keepsRows() {
            return true;
        }
    },
    /** The same, but rows that are done are taken out of the tensor. */
    SHRINKING {
        @Override
        void admit(Deque<Integer> waiting, List<SampleSpec> specs, DenoiseBatch<Integer> batch) {
            admitIfEmpty(waiting, specs, batch);
        }
    },
    /**
     * A batch is formed of the oldest that waits and of those that have its sampler, steps and guidance: what one call of
     * a pipeline takes that has these as arguments.
     */
    CALL {
        @Override
        void admit(Deque<Integer> waiting, List<SampleSpec> specs, DenoiseBatch<Integer> batch) {
            if (!batch.isEmpty() || waiting.isEmpty()) {
                return;
            }
            SampleSpec first = specs.get(waiting.peek());
            Iterator<Integer> all = waiting.iterator();
            while (all.hasNext()) {
                int request = all.next();
                SampleSpec spec = specs.get(request);
                if (spec.steps() == first.steps()
                        && spec.sampler().equals(first.sampler())
                        && spec.guidance().equals(first.guidance())
                        && batch.hasRoomFor(spec)) {
                    batch.admit(request, spec);
                    all.remove();
                }
            }
        }
    };

    /**
     * Moves requests from the queue into the batch.
     *
     * @param waiting numbers of requests, in the order of their arrival
     * @param specs what each asks for
     */
    abstract void admit(Deque<Integer> waiting, List<SampleSpec> specs, DenoiseBatch<Integer> batch);

    /** Or all together when the batch is empty. */
    boolean answersAsTheyAreDone() {
        return false;
    }

    /** Whether rows of requests that are done are computed until the batch is. */
    boolean keepsRows() {
        return false;
    }

    private static void admitIfEmpty(Deque<Integer> waiting, List<SampleSpec> specs, DenoiseBatch<Integer> batch) {
        if (batch.isEmpty()) {
            admitInOrder(waiting, specs, batch);
        }
    }

    private static void admitInOrder(Deque<Integer> waiting, List<SampleSpec> specs, DenoiseBatch<Integer> batch) {
        while (!waiting.isEmpty() && batch.hasRoomFor(specs.get(waiting.peek()))) {
            int request = waiting.remove();
            batch.admit(request, specs.get(request));
        }
    }
}
