import type { Order } from '../fleet/carry-out.ts';
import type { SimulatedJob, Target } from '../fleet/simulated-job.ts';
import type { PoolSpec } from '../scenario.ts';
import type { Fleet, PolicyDecision } from './policy.ts';

/** Starts waiting jobs in the order in which they came; the first that finds no room holds up those behind it. */
export function startInOrder(fleet: Fleet, pool: PoolSpec, targetOf: (job: SimulatedJob) => Target): PolicyDecision {
  let free = fleet.cluster.freeGpus(pool, fleet.now);
  const orders: Order[] = [];
  for (const job of fleet.jobs) {
    if (job.target !== undefined) continue;
    const target = targetOf(job);
    if (target.gpus > free) break;
    free -= target.gpus;
    orders.push({ job, kind: 'Run', target });
  }
  return { orders };
}
