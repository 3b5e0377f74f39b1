import { type Configuration, ranksPerReplica, samePlacement } from '../configuration.ts';
import { mean, quantile } from '../estimate/draws.ts';
import type { Estimate } from '../estimate/estimate.ts';
import { nodesFor } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import { configurationKey, listCandidates } from './candidates.ts';
import { describe, type Evaluation, type Score, score } from './evaluate.ts';

/** Time to measure a batch that is tried, beside the cooldown. */
const TRIAL_SECONDS = 30;

/** The best configuration of a job beside the one in force. */
export interface JobPlan {
  readonly current: Evaluation;
  readonly best: Evaluation;
  /** What the user started with, on the pool in use; undefined while that pool is not known. */
  readonly baseline: Evaluation | undefined;
  /** Share of the current objective that the best saves: mean, and the value exceeded with probability 0.8. */
  readonly savingFraction: number;
  readonly cautiousSavingFraction: number;
  /** The next best after `best`, for the record: at most three. */
  readonly runnersUp: readonly Evaluation[];
}

/** Scores of every candidate of a job, and of the layout that its user started with. */
export interface Scores {
  readonly candidates: readonly Score[];
  readonly baseline: Score | undefined;
}

export function scoreCandidates(
  job: JobSnapshot,
  estimate: Estimate,
  pools: readonly PoolSnapshot[],
  now: number,
): Scores {
  const byName = new Map(pools.map((pool) => [pool.name, pool]));
  const candidates = listCandidates(job, estimate, pools).flatMap((configuration) => {
    const pool = byName.get(configuration.pool);
    return pool === undefined ? [] : [score(job, estimate, pool, configuration, now)];
  });
  const pool = byName.get(job.history.current.pool);
  const baseline = pool === undefined ? undefined : score(job, estimate, pool, initialConfiguration(job, pool), now, 0);
  return { candidates, baseline };
}

function initialConfiguration({ limits }: JobSnapshot, pool: PoolSnapshot): Configuration {
  const { initialReplicas: replicas, initialMicroBatchSize: microBatchSize } = limits;
  const dataParallelSize = replicas * ranksPerReplica(limits.gpusPerReplica);
  const passes = limits.initialGlobalBatchSize / microBatchSize / dataParallelSize;
  const gradientAccumulationSteps = Math.max(1, Math.round(passes));
  const nodes = nodesFor(pool, replicas, limits.gpusPerReplica);
  return { pool: pool.name, replicas, nodes, dataParallelSize, microBatchSize, gradientAccumulationSteps };
}

/**
 * Ranks the candidates that `among` admits; those that meet the deadline come before those that do not. Undefined
 * when the configuration in force could not be evaluated.
 */
export function choose(
  job: JobSnapshot,
  estimate: Estimate,
  { candidates, baseline }: Scores,
  among: (configuration: Configuration) => boolean = () => true,
): JobPlan | undefined {
  const currentKey = configurationKey(job.history.current);
  const current = candidates.find((scored) => configurationKey(scored.configuration) === currentKey);
  if (current === undefined) return undefined;

  const trialShare = trialShareOf(job, estimate, current);
  const ranked = candidates
    .filter((scored) => scored === current || among(scored.configuration))
    .map((scored) => ({ scored, saving: mean(savingsPerWorld(current, scored, trialShare)) }))
    .sort(compare);
  const best = ranked[0];
  if (best === undefined) return undefined;
  return {
    current: describe(job, estimate, current),
    best: describe(job, estimate, best.scored),
    baseline: baseline === undefined ? undefined : describe(job, estimate, baseline),
    savingFraction: best.saving,
    cautiousSavingFraction: quantile(savingsPerWorld(current, best.scored, trialShare), 0.2),
    runnersUp: ranked.slice(1, 4).map(({ scored }) => describe(job, estimate, scored)),
  };
}

/**
 * Share of the time left that a batch in vain would last. While overhead is not told from work per sample, trying
 * another batch tells it, and what turns out dearer is taken back; 1 once it is known, when nothing is tried.
 */
function trialShareOf(job: JobSnapshot, estimate: Estimate, current: Score): number {
  if (estimate.overheadIsMeasured) return 1;
  return Math.min(1, (job.limits.batchCooldownSeconds + TRIAL_SECONDS) / quantile(current.secondsPerWorld, 0.5));
}

/** Share of the current objective that is saved in each world; a loss lasts only as long as the trial. */
function savingsPerWorld(current: Score, other: Score, trialShare: number): readonly number[] {
  const isTrial = samePlacement(current.configuration, other.configuration);
  return current.objectivePerWorld.map((value, index) => {
    // What costs nothing can save nothing.
    const saving = value === 0 ? 0 : 1 - (other.objectivePerWorld[index] ?? value) / value;
    return isTrial && saving < 0 ? saving * trialShare : saving;
  });
}

interface Ranked {
  readonly scored: Score;
  readonly saving: number;
}

function compare(one: Ranked, other: Ranked): number {
  if (one.scored.meetsDeadline !== other.scored.meetsDeadline) return one.scored.meetsDeadline ? -1 : 1;
  if (!one.scored.meetsDeadline) return one.scored.meanObjectiveWithLateness - other.scored.meanObjectiveWithLateness;
  return other.saving - one.saving;
}
