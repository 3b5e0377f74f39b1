import type { Order } from '../fleet/carry-out.ts';
import type { SimulatedJob } from '../fleet/simulated-job.ts';
import type { PoolSpec, Scenario } from '../scenario.ts';
import { mainPool, sizeOf, targetFor } from './layouts.ts';
import type { Fleet, Policy } from './policy.ts';
import { type SpeedTable, speedTable } from './speed.ts';

/** So many slots are looked ahead at most; the slots get longer instead. */
const MAX_SLOTS = 240;

/**
 * Deadlines by least shares, after ElasticFlow (Gu et al., ASPLOS 2023): in the order of their deadlines jobs get the
 * fewest GPUs in each slot that finish them in time, one that cannot be is refused on arrival, and GPUs that are left
 * over now go to whom they speed up the most for each GPU. It knows the true step times and works at the user's batch.
 */
export function greedyShares(scenario: Scenario): Policy {
  const admitted = new Set<SimulatedJob>();
  return {
    name: 'GreedyShares',
    decide(fleet: Fleet) {
      const pool = mainPool(fleet.cluster.pools);
      const tables = fleet.jobs.map((job) => speedTable(job, pool)).sort(byDeadline);
      const timeline = new Timeline(fleet, pool, scenario.planningIntervalSeconds);

      // 1. Least shares of those that were promised their deadline; then of the new ones, who are refused without one.
      const shares = new Map<SimulatedJob, number>();
      const orders: Order[] = [];
      const isOld = ({ job }: SpeedTable) => admitted.has(job);
      for (const table of [...tables.filter(isOld), ...tables.filter((table) => !isOld(table))]) {
        const { job } = table;
        // Any job may have to be restarted once more, for its own share or to give back what was lent.
        const share = timeline.reserve(table, scenario.restartSeconds);
        if (share === undefined && !admitted.has(job) && job.arriving.deadline !== undefined) {
          orders.push({ job, kind: 'Refuse' });
          continue;
        }
        admitted.add(job);
        shares.set(job, share ?? 0);
      }

      // 2. Lend what nobody needs now.
      lend(tables, shares, sizeOf(pool));
      for (const [job, gpus] of shares) orders.push(...orderFor(job, gpus, pool));
      return { orders };
    },
  };
}

function orderFor(job: SimulatedJob, gpus: number, pool: PoolSpec): readonly Order[] {
  if (gpus === 0) return job.target === undefined ? [] : [{ job, kind: 'Pause' }];
  const { world, requested } = job.arriving;
  return [{ job, kind: 'Run', target: targetFor(world, pool, gpus, requested.globalBatchSize) }];
}

/** GPUs that are free in each slot from now on. */
class Timeline {
  readonly #free: number[];
  readonly #slotSeconds: number;
  readonly #now: number;

  constructor({ now, jobs }: Fleet, pool: PoolSpec, intervalSeconds: number) {
    const horizon = Math.max(...jobs.map((job) => (job.arriving.deadline ?? now) - now), intervalSeconds);
    this.#slotSeconds = Math.max(intervalSeconds, horizon / MAX_SLOTS);
    this.#free = new Array<number>(Math.ceil(horizon / this.#slotSeconds)).fill(sizeOf(pool));
    this.#now = now;
  }

  /** Takes the least share that ends in time and returns the GPUs of the first slot; undefined when none does. */
  reserve(table: SpeedTable, pausedSeconds: number): number | undefined {
    const deadline = table.job.arriving.deadline;
    if (deadline === undefined) return undefined;
    for (const { gpus } of table.sizes) {
      const taken = this.#fill(table, gpus, pausedSeconds, deadline);
      if (taken === undefined) continue;
      taken.forEach((count, slot) => {
        this.#free[slot] = (this.#free[slot] ?? 0) - count;
      });
      return taken[0];
    }
    return undefined;
  }

  #fill(table: SpeedTable, most: number, pausedSeconds: number, deadline: number): readonly number[] | undefined {
    let left = table.stepsLeft;
    let paused = pausedSeconds;
    const taken: number[] = [];
    for (let slot = 0; slot < this.#free.length && left > 0; slot++) {
      const seconds = Math.min(this.#slotSeconds, deadline - this.#now - slot * this.#slotSeconds);
      if (seconds <= 0) return undefined;
      const size = table.sizes.findLast(({ gpus }) => gpus <= Math.min(most, this.#free[slot] ?? 0));
      taken.push(size?.gpus ?? 0);
      if (size === undefined) continue;
      const useful = Math.max(0, seconds - paused);
      paused = Math.max(0, paused - seconds);
      left -= size.stepsPerSecond * useful;
    }
    return left > 0 ? undefined : taken;
  }
}

/** Gives GPUs that are free now, step by step, to the job whose speed relative to its own grows most for each. */
function lend(tables: readonly SpeedTable[], shares: Map<SimulatedJob, number>, capacity: number): void {
  let free = capacity - [...shares.values()].reduce((sum, gpus) => sum + gpus, 0);
  const offers = () =>
    tables.flatMap((table) => {
      const gpus = shares.get(table.job);
      if (gpus === undefined) return [];
      const now = table.sizes.find((size) => size.gpus === gpus);
      const next = table.sizes.find((size) => size.gpus > gpus);
      if (next === undefined || next.gpus - gpus > free) return [];
      const one = table.sizes[0]?.stepsPerSecond ?? Number.NaN;
      const gain = (next.stepsPerSecond - (now?.stepsPerSecond ?? 0)) / one / (next.gpus - gpus);
      return [{ job: table.job, gpus: next.gpus, added: next.gpus - gpus, gain }];
    });
  for (;;) {
    const [best] = offers().sort((one, other) => other.gain - one.gain);
    if (best === undefined) return;
    shares.set(best.job, best.gpus);
    free -= best.added;
  }
}

function byDeadline(one: SpeedTable, other: SpeedTable): number {
  const at = ({ job }: SpeedTable) => job.arriving.deadline ?? Number.MAX_VALUE;
  return at(one) - at(other) || one.job.arriving.submittedAt - other.job.arriving.submittedAt;
}
