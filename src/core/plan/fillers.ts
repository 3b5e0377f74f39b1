import { gpusLeftOver } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import { sameData } from './inputs.ts';

/**
 * The pools as one job sees their prices: a node that it does not fill costs it only what others do not use of it.
 * A job by itself pays for the whole node, one among many small ones for its GPUs.
 */
export function poolsAsSeenBy({ jobs, pools }: Snapshot): (job: JobSnapshot) => readonly PoolSnapshot[] {
  const remainders = new Map(pools.map((pool) => [pool.name, remaindersOn(pool, jobs)]));
  const priced = pools.map(withoutHours);
  const seen = listsFor(priced);
  return (job) => {
    const fillers = priced.map((pool) => {
      const others = (remainders.get(pool.name) ?? 0) - remainderOf(pool, job);
      // More than a node's worth is as good as that: that jobs of a large fleet come and go changes nothing.
      return Math.min(pool.gpusPerNode, others);
    });
    // Jobs that see the same prices see the same object, so that it is known at a glance that nothing has changed.
    const key = fillers.join(' ');
    const known = seen.get(key) ?? priced.map((pool, index) => ({ ...pool, fillers: fillers[index] ?? 0 }));
    seen.set(key, known);
    return known;
  };
}

/** Hours say when to run, not how: what is known of a job by itself holds until a price changes for good. */
function withoutHours({ hours: _, ...pool }: PoolSnapshot): PoolSnapshot {
  return pool;
}

/** Lists handed out for the pools of the last snapshot, by their fillers. */
let last: { readonly pools: readonly PoolSnapshot[]; readonly lists: Map<string, readonly PoolSnapshot[]> } | undefined;

/**
 * Pools that say the same as those of the last snapshot are seen as the same objects, so that nothing has to be compared
 * job by job. What they say is the same with and without this memory.
 */
function listsFor(pools: readonly PoolSnapshot[]): Map<string, readonly PoolSnapshot[]> {
  if (last === undefined || !sameData(last.pools, pools)) last = { pools, lists: new Map() };
  return last.lists;
}

function remaindersOn(pool: PoolSnapshot, jobs: readonly JobSnapshot[]): number {
  let sum = 0;
  for (const job of jobs) sum += remainderOf(pool, job);
  return sum;
}

/** GPUs that a job holds of a node which it does not fill. */
function remainderOf(pool: PoolSnapshot, { history, limits }: JobSnapshot): number {
  const { current } = history;
  if (current.pool !== pool.name || history.busyWith === 'Paused') return 0;
  const left = gpusLeftOver(pool, current.replicas, limits.gpusPerReplica);
  return left === 0 ? 0 : pool.gpusPerNode - left;
}
