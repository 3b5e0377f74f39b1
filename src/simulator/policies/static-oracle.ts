import type { PoolSpec } from '../scenario.ts';
import type { ArrivingJob } from '../traces/arriving-job.ts';
import { heldSeconds, packed } from '../world/training-world.ts';
import { canSpread, mainPool, sizeOf, targetFor } from './layouts.ts';
import type { Fleet, Policy } from './policy.ts';
import { startInOrder } from './start-in-order.ts';

/** A fixed layout with its whole time, restarts not counted. */
export interface HeldLayout {
  readonly gpus: number;
  readonly globalBatchSize: number;
  readonly seconds: number;
  readonly gpuSeconds: number;
}

/** GPU counts that are tried: all within two nodes, then by two, and by whole nodes. */
export function gpuCounts(pool: PoolSpec, most: number): readonly number[] {
  const { gpusPerNode } = pool;
  return Array.from({ length: Math.min(most, sizeOf(pool)) }, (_, index) => index + 1).filter(
    (gpus) => gpus <= 2 * gpusPerNode || (gpus <= 4 * gpusPerNode && gpus % 2 === 0) || gpus % gpusPerNode === 0,
  );
}

/** Every layout that could be held to the end. */
export function heldLayouts(job: ArrivingJob, pool: PoolSpec): readonly HeldLayout[] {
  const { world, batchIsFree, requested } = job;
  const batches = batchIsFree ? world.measuredBatchSizes : [requested.globalBatchSize];
  return gpuCounts(pool, world.maxGpus).flatMap((gpus) =>
    batches
      .filter((batch) => canSpread(world, gpus, batch))
      .map((globalBatchSize) => {
        const seconds = heldSeconds(world, packed(gpus, pool.gpusPerNode), globalBatchSize);
        return { gpus, globalBatchSize, seconds, gpuSeconds: seconds * gpus };
      }),
  );
}

/**
 * The cheapest layout that, held from the arrival to the end, meets the deadline; the fastest when none does. It knows
 * the truth and has the cluster for itself, so it bounds what a static choice can reach.
 */
export function staticOracle(job: ArrivingJob, pool: PoolSpec, startSeconds = 0): HeldLayout {
  const all = heldLayouts(job, pool);
  const allowed = job.deadline === undefined ? Number.POSITIVE_INFINITY : job.deadline - job.submittedAt;
  const inTime = all.filter(({ seconds }) => seconds + startSeconds <= allowed);
  const [best] =
    inTime.length > 0
      ? [...inTime].sort((one, other) => one.gpuSeconds - other.gpuSeconds)
      : [...all].sort((one, other) => one.seconds - other.seconds);
  if (best === undefined) throw new Error(`job ${job.name} fits on no number of GPUs`);
  return best;
}

/** Every job on the oracle's layout, first come, first served. */
export function staticOraclePolicy(startSeconds: number): Policy {
  return {
    name: 'StaticOracle',
    decide(fleet: Fleet) {
      const pool = mainPool(fleet.cluster.pools);
      return startInOrder(fleet, pool, ({ arriving }) => {
        const { gpus, globalBatchSize } = staticOracle(arriving, pool, startSeconds);
        return targetFor(arriving.world, pool, gpus, globalBatchSize);
      });
    },
  };
}
