import { type Configuration, globalBatchSize, ranksPerReplica, samePlacement } from '../configuration.ts';
import type { Estimate } from '../estimate/estimate.ts';
import { nodesFor, ratePerHour } from '../model/cost-rate.ts';
import type { JobLimits, JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import { allowedReplicas } from './sizes.ts';

/** Global batches tried per number of workers, spaced geometrically. */
const BATCH_STEPS_PER_DOUBLING = 4;
/** At B = B_noise twice the fewest samples are spent (McCandlish et al. 2018); beyond it samples repeat each other. */
const MAX_BATCH_OVER_NOISE = 1;
/** Fitted on T4 traces, the model errs by 15 % up to twice the workers measured and by 40 % far beyond. */
const TRUSTED_SCALE = 2;

/** The layouts of a batch on one placement. */
export interface Placement {
  readonly pool: PoolSnapshot;
  readonly replicas: number;
  readonly layouts: readonly Configuration[];
}

/**
 * Every placement and batch that the job's limits, its memory and the trust in the model allow; the configuration in
 * force may be missing. Cost: pools × sizes × about 40 batches.
 */
export function listPlacements(
  job: JobSnapshot,
  estimate: Estimate,
  pools: readonly PoolSnapshot[],
): readonly Placement[] {
  const band = reachableBatches(job, estimate);
  const largestMicro = microBatchCeiling(job, estimate);
  return reachablePools(job, pools).flatMap((pool) =>
    reachableReplicas(job, pool)
      .filter((replicas) => replicas !== job.history.current.replicas || !batchIsFrozen(job))
      .map((replicas) => ({ pool, replicas, layouts: layOutAll(job, largestMicro, band, pool, replicas) })),
  );
}

function layOutAll(
  job: JobSnapshot,
  largestMicro: number,
  band: BatchBand,
  pool: PoolSnapshot,
  replicas: number,
): readonly Configuration[] {
  const found = new Map<number, Configuration>();
  for (const batch of band.batches) {
    const layout = layOut(job, largestMicro, band, { pool, replicas, batch });
    // Batches that round to one layout are one candidate.
    if (layout !== undefined) found.set(layout.microBatchSize * layout.gradientAccumulationSteps, layout);
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
  const known = job.priors?.find((prior) => prior.pool === pool.name)?.largestDataParallelSize ?? 0;
  const measured = Math.max(
    now,
    known / ranksPerReplica(limits.gpusPerReplica),
    ...evidence.stepTimes.map((point) => point.dataParallelSize / ranksPerReplica(limits.gpusPerReplica)),
  );
  const most = Math.min(measured * TRUSTED_SCALE, mostReplicas(pool, limits));
  const affordable = limits.maxPricePerHour ?? Number.POSITIVE_INFINITY;
  return [...new Set([now, ...allowedReplicas(limits)])].filter(
    (replicas) =>
      replicas === now ||
      (replicas <= most &&
        ratePerHour(pool, replicas, limits.gpusPerReplica) <= affordable &&
        !(replicas > now && held.scaleUp) &&
        !(replicas < now && held.scaleDown)),
  );
}

/** Workers that the pool's nodes and the job's bound on GPUs leave room for; a worker does not span nodes. */
export function mostReplicas(pool: PoolSnapshot, limits: JobLimits): number {
  const { gpusPerReplica } = limits;
  if (gpusPerReplica === 0) return Number.POSITIVE_INFINITY;
  const gpus = Math.min(
    pool.maxNodes * pool.gpusPerNode - pool.foreignGpus,
    limits.maxGpus ?? Number.POSITIVE_INFINITY,
  );
  return Math.min(Math.floor(gpus / gpusPerReplica), pool.maxNodes * Math.floor(pool.gpusPerNode / gpusPerReplica));
}

/** Global batches to try, and the bounds that rounding must not leave. */
export interface BatchBand {
  readonly batches: readonly number[];
  readonly lowest: number;
  readonly highest: number;
}

function batchIsFrozen({ limits, held }: JobSnapshot): boolean {
  return limits.batchMode === 'Off' || held.batch;
}

function reachableBatches(job: JobSnapshot, estimate: Estimate): BatchBand {
  const { limits, history } = job;
  const now = globalBatchSize(history.current);
  if (batchIsFrozen(job) || estimate.gradientNoiseScale === undefined) {
    return { batches: [now], lowest: now, highest: now };
  }
  // The growth factor bounds rises only: what is too large is left at once.
  const lowest = limits.minGlobalBatchSize;
  const highest = Math.min(
    limits.maxGlobalBatchSize,
    history.globalBatchSizeCeiling ?? Number.POSITIVE_INFINITY,
    now * limits.maxBatchGrowthFactor,
    Math.max(now, estimate.gradientNoiseScale.value * MAX_BATCH_OVER_NOISE),
  );
  return bandOf(now, lowest, highest);
}

/** Batches between the two ends, spaced geometrically, and one more that is always tried. */
export function bandOf(always: number, lowest: number, highest: number): BatchBand {
  const batches = new Set([always]);
  for (let exponent = 0; ; exponent++) {
    const batch = lowest * 2 ** (exponent / BATCH_STEPS_PER_DOUBLING);
    if (batch > highest) break;
    batches.add(Math.round(batch));
  }
  batches.add(Math.floor(highest));
  return { batches: [...batches], lowest, highest };
}

/**
 * Splits a global batch over ranks and passes: as few passes as the micro batch allows, all of one size. The batch is
 * rounded to what the ranks and `multipleOf` can divide; undefined when that leaves a limit.
 */
export function layOut(
  job: JobSnapshot,
  largestMicro: number,
  band: BatchBand,
  wanted: { readonly pool: PoolSnapshot; readonly replicas: number; readonly batch: number },
): Configuration | undefined {
  const { limits } = job;
  const ranks = wanted.replicas * ranksPerReplica(limits.gpusPerReplica);
  // Where the workers stand another batch leaves them; where new ones will stand nobody knows: as few nodes as can be.
  const { current } = job.history;
  const stays = samePlacement(current, { pool: wanted.pool.name, replicas: wanted.replicas });
  const nodes = stays ? current.nodes : nodesFor(wanted.pool, wanted.replicas, limits.gpusPerReplica);
  const fewestPasses = Math.max(1, Math.ceil(wanted.batch / ranks / largestMicro));
  // More passes than the fewest are tried only for a batch that may not be rounded at all.
  const mostPasses = band.lowest === band.highest ? 2 * fewestPasses + 8 : fewestPasses;
  for (let passes = fewestPasses; passes <= mostPasses; passes++) {
    const microBatchSize = roundMicroBatch(limits, band, wanted.batch, ranks * passes);
    if (microBatchSize === undefined || microBatchSize > largestMicro) continue;
    return {
      pool: wanted.pool.name,
      replicas: wanted.replicas,
      nodes,
      dataParallelSize: ranks,
      microBatchSize,
      gradientAccumulationSteps: passes,
    };
  }
  return undefined;
}

/** Micro batch for so many `parts` of a global batch, the whole being inside the band and divisible as asked. */
function roundMicroBatch(limits: JobLimits, band: BatchBand, batch: number, parts: number): number | undefined {
  const unit = limits.globalBatchSizeMultipleOf / greatestCommonDivisor(limits.globalBatchSizeMultipleOf, parts);
  const nearest = Math.max(1, Math.round(batch / parts / unit)) * unit;
  const micro = nearest * parts > band.highest ? nearest - unit : nearest;
  const inside = micro * parts >= band.lowest && micro * parts <= band.highest;
  return inside && micro >= limits.minMicroBatchSize ? micro : undefined;
}

function greatestCommonDivisor(one: number, other: number): number {
  return other === 0 ? one : greatestCommonDivisor(other, one % other);
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
