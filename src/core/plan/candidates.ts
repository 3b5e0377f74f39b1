import type { Estimate } from '../estimate/estimate.ts';
import {
  type Configuration,
  globalBatchSize,
  type JobSnapshot,
  type PoolSnapshot,
  ranksPerReplica,
} from '../snapshot.ts';
import { allowedReplicas } from './sizes.ts';

/** Global batches tried per number of workers, spaced geometrically. */
const BATCH_STEPS_PER_DOUBLING = 4;
/** algorithms.md 3.3: at most twice the samples are spent, B ≤ B_noise. */
const MAX_BATCH_OVER_NOISE = 1;
/** algorithms.md 3.6: the model is trusted up to twice the number of workers that was measured. */
const TRUSTED_SCALE = 2;

/**
 * Every configuration that the job's limits, its memory and the trust in the model allow, the current one included.
 * Cost: pools × sizes × about 40 batches.
 */
export function listCandidates(
  job: JobSnapshot,
  estimate: Estimate,
  pools: readonly PoolSnapshot[],
): readonly Configuration[] {
  const current = job.history.current;
  const found = new Map<string, Configuration>([[configurationKey(current), current]]);
  for (const pool of reachablePools(job, pools)) {
    for (const replicas of reachableReplicas(job, pool)) {
      for (const batch of reachableBatches(job, estimate)) {
        const configuration = layOut(job, estimate, { pool: pool.name, replicas, batch });
        if (configuration !== undefined) found.set(configurationKey(configuration), configuration);
      }
    }
  }
  return [...found.values()];
}

export function configurationKey(configuration: Configuration): string {
  const { pool, replicas, microBatchSize, gradientAccumulationSteps } = configuration;
  return `${pool}/${replicas}x${microBatchSize}x${gradientAccumulationSteps}`;
}

function reachablePools(job: JobSnapshot, pools: readonly PoolSnapshot[]): readonly PoolSnapshot[] {
  // Step times were measured on the pool in use; another GPU type needs its own model before it can be compared.
  return pools.filter((pool) => pool.name === job.history.current.pool);
}

function reachableReplicas(job: JobSnapshot, pool: PoolSnapshot): readonly number[] {
  const { limits, history, evidence, held } = job;
  const now = history.current.replicas;
  if (!limits.canRescale) return [now];
  const measured = Math.max(
    now,
    ...evidence.stepTimes.map((point) => point.dataParallelSize / ranksPerReplica(limits.gpusPerReplica)),
  );
  const gpus = pool.maxNodes * pool.gpusPerNode - pool.foreignGpus;
  const most = Math.min(
    measured * TRUSTED_SCALE,
    limits.gpusPerReplica === 0 ? Number.POSITIVE_INFINITY : Math.floor(gpus / limits.gpusPerReplica),
    limits.maxGpus === undefined || limits.gpusPerReplica === 0
      ? Number.POSITIVE_INFINITY
      : Math.floor(limits.maxGpus / limits.gpusPerReplica),
  );
  return allowedReplicas(limits).filter(
    (replicas) =>
      replicas === now ||
      (replicas <= most && !(replicas > now && held.scaleUp) && !(replicas < now && held.scaleDown)),
  );
}

function reachableBatches(job: JobSnapshot, estimate: Estimate): readonly number[] {
  const { limits, history, held } = job;
  const now = globalBatchSize(history.current);
  if (limits.batchMode === 'Off' || held.batch || estimate.gradientNoiseScale === undefined) return [now];
  const highest = Math.min(
    limits.maxGlobalBatchSize,
    history.globalBatchSizeCeiling ?? Number.POSITIVE_INFINITY,
    now * limits.maxBatchGrowthFactor,
    Math.max(now, estimate.gradientNoiseScale.value * MAX_BATCH_OVER_NOISE),
  );
  const lowest = Math.min(now, Math.max(limits.minGlobalBatchSize, now / limits.maxBatchGrowthFactor));
  const batches = new Set([now]);
  for (let exponent = 0; ; exponent++) {
    const batch = lowest * 2 ** (exponent / BATCH_STEPS_PER_DOUBLING);
    if (batch > highest * 1.0001) break;
    batches.add(Math.round(batch));
  }
  if (highest >= lowest) batches.add(Math.floor(highest));
  return [...batches];
}

/** Splits a global batch over ranks and passes: as few passes as the memory allows, all of one size. */
function layOut(
  job: JobSnapshot,
  estimate: Estimate,
  wanted: { readonly pool: string; readonly replicas: number; readonly batch: number },
): Configuration | undefined {
  const { limits } = job;
  const unit = wanted.replicas * ranksPerReplica(limits.gpusPerReplica);
  const largest = Math.min(microBatchCeiling(job, estimate), Math.max(1, Math.floor(wanted.batch / unit)));
  const smallest = Math.min(limits.minMicroBatchSize, largest);
  const gradientAccumulationSteps = Math.max(1, Math.ceil(wanted.batch / unit / largest));
  const microBatchSize = Math.max(smallest, Math.round(wanted.batch / unit / gradientAccumulationSteps));
  const configuration = {
    pool: wanted.pool,
    replicas: wanted.replicas,
    dataParallelSize: unit,
    microBatchSize,
    gradientAccumulationSteps,
  };
  const batch = globalBatchSize(configuration);
  const ceiling = Math.min(limits.maxGlobalBatchSize, job.history.globalBatchSizeCeiling ?? Number.POSITIVE_INFINITY);
  if (batch < limits.minGlobalBatchSize || batch > ceiling) return undefined;
  if (batch % limits.globalBatchSizeMultipleOf !== 0 || microBatchSize > microBatchCeiling(job, estimate)) {
    return undefined;
  }
  return configuration;
}

/** A micro batch nobody has tried is allowed only by the memory line or by the user's own maximum. */
export function microBatchCeiling(job: JobSnapshot, estimate: Estimate): number {
  const { limits, history } = job;
  const believed = estimate.largestMicroBatchSize ?? limits.maxMicroBatchSize ?? history.current.microBatchSize;
  return Math.max(
    1,
    Math.min(
      believed,
      limits.maxMicroBatchSize ?? Number.POSITIVE_INFINITY,
      history.microBatchSizeCeiling ?? Number.POSITIVE_INFINITY,
    ),
  );
}
