import { mainPool, sizeOf, targetFor } from './layouts.ts';
import type { Fleet, Policy } from './policy.ts';
import { startInOrder } from './start-in-order.ts';

/** Every job gets what its user asked for, first come, first served, and keeps it to its end. */
export function staticAsRequested(): Policy {
  return {
    name: 'StaticAsRequested',
    decide(fleet: Fleet) {
      const pool = mainPool(fleet.cluster.pools);
      return startInOrder(fleet, pool, ({ arriving: { world, requested } }) => {
        // A request for more than there is would wait for ever.
        const gpus = Math.min(requested.gpus, sizeOf(pool));
        return targetFor(world, pool, gpus, requested.globalBatchSize);
      });
    },
  };
}
