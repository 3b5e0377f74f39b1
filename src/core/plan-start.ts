import { type Configuration, type InstantSeconds, ranksPerReplica } from './configuration.ts';
import { estimateJob, type Posterior } from './estimate/estimate.ts';
import type { JobPrior } from './estimate/job-prior.ts';
import { believedPeakBytes, largestBelievedMicroBatch } from './estimate/memory-belief.ts';
import { nodesFor, ratePerHour, SECONDS_PER_HOUR } from './model/cost-rate.ts';
import { type BatchBand, bandOf, layOut, mostReplicas } from './plan/candidates.ts';
import { describeInTime, type Evaluation, hold, type Score, score } from './plan/evaluate.ts';
import { allowedReplicas } from './plan/sizes.ts';
import type { JobSnapshot, PoolSnapshot } from './snapshot.ts';

/** A job that has not started, and the pools that it may start on, with what others hold of them as foreign GPUs. */
export interface StartQuestion {
  readonly now: InstantSeconds;
  /** What is believed of it is in `priors`, pool by pool. */
  readonly job: JobSnapshot;
  readonly pools: readonly PoolSnapshot[];
}

export type StartVerdict = 'Chosen' | 'Dearer' | 'Slower' | 'MissesDeadline' | 'OverBudget';

/** One way to start, as it is forecast to go to its end. */
export interface StartOption {
  readonly evaluation: Evaluation;
  readonly verdict: StartVerdict;
  /** Peak memory of one GPU with its interval of 90 %; undefined where nothing tells it. */
  readonly peakBytes: { readonly value: number; readonly low: number; readonly high: number } | undefined;
  /** At the meter; undefined where the pool's power is not known. */
  readonly kilowattHours: number | undefined;
  readonly currency: string;
  readonly source: JobPrior['source'];
}

/** Where the job cannot start, or nothing can be said of it. */
export interface StartRefusal {
  readonly pool: string;
  readonly reason: 'NothingKnown' | 'NoMemory' | 'NoRoom' | 'TooDear' | 'NoLayout';
  readonly message: string;
}

export interface StartPlan {
  /** One for each placement, with its best batch; the best first. */
  readonly options: readonly StartOption[];
  readonly refused: readonly StartRefusal[];
  /** Without it amounts to the end are made up: nobody knows how long the run will be. */
  readonly endIsKnown: boolean;
  /** No earlier deadline can be kept with probability 0.9; undefined without an option. */
  readonly earliestDeadline: InstantSeconds | undefined;
}

/** Time for the first nodes of a pool of which none was ever seen to come. */
const PRIOR_PROVISIONING_SECONDS = 180;
/** From pods to the first step, until a restart was measured. */
const PRIOR_START_SECONDS = 60;
/** A family whose largest run had so many ranks is believed up to twice as many. */
const TRUSTED_SCALE = 2;
/** At B = B_noise twice the fewest samples are spent; no start goes beyond. */
const MAX_BATCH_OVER_NOISE = 1;

/**
 * The core's door for a job before its start: what every pool, number of workers and batch would cost and take, and
 * which is best. Pure. Cost: pools × sizes × batches × 48 step times.
 */
export function planStart({ now, job, pools }: StartQuestion): StartPlan {
  const refused: StartRefusal[] = [];
  const weighed: Weighed[] = [];

  // 1. On each pool that the job may use, every placement at its best batch.
  for (const name of job.limits.pools) {
    const pool = pools.find((each) => each.name === name);
    const found = pool === undefined ? unknownPool(name) : weighOn(job, pool);
    if (isRefusal(found)) refused.push(found);
    else weighed.push(...found);
  }

  // 2. Hold them against the deadline; the fastest is what a run that proves slow could be moved to.
  const left = (job.limits.deadline ?? Number.POSITIVE_INFINITY) - now;
  const fastest = weighed.reduce<Weighed | undefined>((best, each) => (isFaster(each, best) ? each : best), undefined);
  if (fastest === undefined) return { options: [], refused, endIsKnown: false, earliestDeadline: undefined };
  const told = weighed.map((each) => ({
    ...each,
    evaluation: {
      ...describeInTime(each.job, each.posterior, each.score),
      ...hold(each.job, each.pool, each.score, fastest.score, left),
    },
  }));

  // 3. The best first: in time, then within the budget, then by what is to be made small.
  const sorted = told.sort(
    (one, other) => rankOf(one, job) - rankOf(other, job) || objectiveOf(one) - objectiveOf(other),
  );
  const options = sorted.map((each, place) => optionOf(each, place === 0 ? 'Chosen' : verdictOf(each, job)));
  return {
    options,
    refused,
    endIsKnown: weighed.every(({ posterior }) => posterior.remainingWork !== 'Assumed'),
    earliestDeadline: now + fastest.score.secondsToTarget90,
  };
}

interface Weighed {
  readonly job: JobSnapshot;
  readonly pool: PoolSnapshot;
  readonly prior: JobPrior;
  readonly posterior: Posterior;
  readonly score: Score;
}

interface Told extends Weighed {
  readonly evaluation: Evaluation;
}

function unknownPool(name: string): StartRefusal {
  return { pool: name, reason: 'NothingKnown', message: `there is no GPUPool ${name}` };
}

function isRefusal(found: readonly Weighed[] | StartRefusal): found is StartRefusal {
  return 'reason' in found;
}

function weighOn(told: JobSnapshot, pool: PoolSnapshot): readonly Weighed[] | StartRefusal {
  const refuse = (reason: StartRefusal['reason'], message: string) => ({ pool: pool.name, reason, message });
  const prior = told.priors?.find((each) => each.pool === pool.name);
  const job = asIfOn(told, pool);
  const posterior = estimateJob(job);
  if (prior === undefined || posterior === undefined) {
    return refuse('NothingKnown', 'neither a run of its family nor its declared model tells how fast it is here');
  }
  const { limits } = job;
  const sizes = sizesToStartWith(job).filter((replicas) => isTrusted(job, prior, replicas));
  const withRoom = sizes.filter((replicas) => replicas <= mostReplicas(pool, limits));
  if (withRoom.length === 0) {
    return refuse('NoRoom', `${gpusOf(sizes[0] ?? limits.minReplicas, limits.gpusPerReplica)} are wanted at least`);
  }
  const affordable = withRoom.filter(
    (replicas) =>
      ratePerHour(pool, replicas, limits.gpusPerReplica) <= (limits.maxPricePerHour ?? Number.POSITIVE_INFINITY),
  );
  if (affordable.length === 0) return refuse('TooDear', 'the ScalingPolicy allows no price per hour as high as here');
  const fitting = affordable.filter((replicas) => microBatchCeilingAt(job, prior, replicas) >= 1);
  if (fitting.length === 0) return refuse('NoMemory', memoryMessage(job, prior, affordable.at(-1) ?? 1));
  const found = fitting.flatMap((replicas) => bestAt(job, pool, prior, posterior, replicas) ?? []);
  return found.length > 0 ? found : refuse('NoLayout', 'no allowed batch can be divided among its ranks');
}

/** The best batch of a placement by the middle world, then scored over all of them. */
function bestAt(
  job: JobSnapshot,
  pool: PoolSnapshot,
  prior: JobPrior,
  posterior: Posterior,
  replicas: number,
): Weighed | undefined {
  const largestMicro = microBatchCeilingAt(job, prior, replicas);
  const band = batchesToStartWith(job, prior, posterior);
  const pause =
    (prior.restartSeconds ?? PRIOR_START_SECONDS) + (pool.provisioningSeconds ?? PRIOR_PROVISIONING_SECONDS);
  const layouts = band.batches.flatMap((batch) => layOut(job, largestMicro, band, { pool, replicas, batch }) ?? []);
  const [best] = layouts
    .map((layout) => score(job, posterior, pool, layout, { worlds: [posterior.middle], pause }))
    .sort((one, other) => one.meanObjective - other.meanObjective);
  if (best === undefined) return undefined;
  return { job, pool, prior, posterior, score: score(job, posterior, pool, best.configuration, { pause }) };
}

/**
 * Without a known noise scale only the batch that the user chose is known to train; with it every batch that a run of
 * the family came to its end with, and none that nobody tried.
 */
function batchesToStartWith({ limits, held }: JobSnapshot, prior: JobPrior, posterior: Posterior): BatchBand {
  const initial = limits.initialGlobalBatchSize;
  const noise = posterior.gradientNoiseScale;
  if (
    limits.batchMode !== 'Auto' ||
    held.batch ||
    held.everything ||
    noise === undefined ||
    prior.batchBand === undefined
  ) {
    return { batches: [initial], lowest: initial, highest: initial };
  }
  const lowest = Math.max(limits.minGlobalBatchSize, Math.min(initial, prior.batchBand.lowest));
  const meanNoiseAhead =
    posterior.middle.noiseScaleAhead.reduce((sum, each) => sum + each, 0) / posterior.middle.noiseScaleAhead.length;
  const highest = Math.min(
    limits.maxGlobalBatchSize,
    Math.max(initial, prior.batchBand.highest),
    Math.max(initial, meanNoiseAhead * MAX_BATCH_OVER_NOISE),
  );
  return bandOf(initial, lowest, highest);
}

/** The job as if it stood on the pool as its user asked: what is believed of it there is then what counts. */
function asIfOn(job: JobSnapshot, pool: PoolSnapshot): JobSnapshot {
  const { limits } = job;
  const { initialReplicas: replicas, initialMicroBatchSize: microBatchSize, gpusPerReplica } = limits;
  const dataParallelSize = replicas * ranksPerReplica(gpusPerReplica);
  const current: Configuration = {
    pool: pool.name,
    replicas,
    nodes: nodesFor(pool, replicas, gpusPerReplica),
    dataParallelSize,
    microBatchSize,
    gradientAccumulationSteps: Math.max(
      1,
      Math.round(limits.initialGlobalBatchSize / microBatchSize / dataParallelSize),
    ),
  };
  return { ...job, history: { ...job.history, current } };
}

/** What the user wants left alone is started as asked. */
function sizesToStartWith({ limits, held }: JobSnapshot): readonly number[] {
  const { initialReplicas } = limits;
  if (!limits.canRescale || held.everything) return [initialReplicas];
  return allowedReplicas(limits).filter(
    (replicas) =>
      replicas === initialReplicas ||
      (replicas > initialReplicas && !held.scaleUp) ||
      (replicas < initialReplicas && !held.scaleDown),
  );
}

function isTrusted({ limits }: JobSnapshot, prior: JobPrior, replicas: number): boolean {
  if (prior.largestDataParallelSize === 0 || replicas === limits.initialReplicas) return true;
  return replicas * ranksPerReplica(limits.gpusPerReplica) <= TRUSTED_SCALE * prior.largestDataParallelSize;
}

/** Below 1 where not even one sample fits. Where nothing tells the memory, it is what the user chose. */
function microBatchCeilingAt({ limits }: JobSnapshot, prior: JobPrior, replicas: number): number {
  const ranks = replicas * ranksPerReplica(limits.gpusPerReplica);
  const believed =
    prior.memory === undefined
      ? undefined
      : largestBelievedMicroBatch(prior.memory, ranks, limits.memoryHeadroomFraction);
  const most = limits.maxMicroBatchSize ?? Number.POSITIVE_INFINITY;
  return Math.min(believed ?? limits.maxMicroBatchSize ?? limits.initialMicroBatchSize, most);
}

function memoryMessage({ limits }: JobSnapshot, { memory }: JobPrior, replicas: number): string {
  if (memory === undefined || memory.limitBytes === undefined) return 'memory is not known';
  const peak = believedPeakBytes(memory, replicas * ranksPerReplica(limits.gpusPerReplica), 1);
  const free = Math.round(limits.memoryHeadroomFraction * 100);
  return `one sample needs ${gibibytes(peak.value)} (up to ${gibibytes(peak.high)}), a GPU has ${gibibytes(memory.limitBytes)} of which ${free}% stay free`;
}

function gibibytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`;
}

function gpusOf(replicas: number, gpusPerReplica: number): string {
  const gpus = replicas * gpusPerReplica;
  return `${gpus} GPU${gpus === 1 ? '' : 's'}`;
}

function isFaster(one: Weighed, other: Weighed | undefined): boolean {
  return other === undefined || one.score.secondsToTarget90 < other.score.secondsToTarget90;
}

function rankOf({ evaluation }: Told, { limits }: JobSnapshot): number {
  const isOverBudget = evaluation.costToTarget.value > (limits.budgetCost ?? Number.POSITIVE_INFINITY);
  return (evaluation.meetsDeadline ? 0 : 2) + (isOverBudget ? 1 : 0);
}

function objectiveOf({ evaluation }: Told): number {
  return evaluation.meanObjectiveWithLateness;
}

function verdictOf(each: Told, job: JobSnapshot): StartVerdict {
  if (!each.evaluation.meetsDeadline) return 'MissesDeadline';
  if (rankOf(each, job) === 1) return 'OverBudget';
  return job.limits.objective === 'TimeToTarget' ? 'Slower' : 'Dearer';
}

function optionOf({ job, pool, prior, evaluation }: Told, verdict: StartVerdict): StartOption {
  const { configuration, secondsToTarget } = evaluation;
  const gpus = configuration.replicas * job.limits.gpusPerReplica;
  const { kilowattsPerGpu } = pool;
  return {
    evaluation,
    verdict,
    peakBytes:
      prior.memory === undefined
        ? undefined
        : believedPeakBytes(prior.memory, configuration.dataParallelSize, configuration.microBatchSize),
    kilowattHours:
      kilowattsPerGpu === undefined ? undefined : (kilowattsPerGpu * gpus * secondsToTarget.value) / SECONDS_PER_HOUR,
    currency: pool.currency,
    source: prior.source,
  };
}
