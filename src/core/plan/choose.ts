import { mean, quantile } from '../estimate/draws.ts';
import type { Estimate } from '../estimate/estimate.ts';
import { type Configuration, type JobSnapshot, type PoolSnapshot, samePlacement } from '../snapshot.ts';
import { configurationKey, listCandidates } from './candidates.ts';
import { type Evaluation, evaluate } from './evaluate.ts';

/** Time to measure a batch that is tried, beside the cooldown. */
const TRIAL_SECONDS = 30;

/** The best configuration of a job beside the one in force. */
export interface JobPlan {
  readonly current: Evaluation;
  readonly best: Evaluation;
  /** Share of the current objective that the best saves: mean, and the value exceeded with probability 0.8. */
  readonly savingFraction: number;
  readonly cautiousSavingFraction: number;
  /** The next best after `best`, for the record: at most three. */
  readonly runnersUp: readonly Evaluation[];
}

/** What a configuration would bring, for every candidate of the job. */
export function evaluateCandidates(
  job: JobSnapshot,
  estimate: Estimate,
  pools: readonly PoolSnapshot[],
  now: number,
): readonly Evaluation[] {
  const byName = new Map(pools.map((pool) => [pool.name, pool]));
  return listCandidates(job, estimate, pools).flatMap((configuration) => {
    const pool = byName.get(configuration.pool);
    return pool === undefined ? [] : [evaluate(job, estimate, pool, configuration, now)];
  });
}

/**
 * Ranks the candidates that `among` admits; those that meet the deadline come before those that do not. Undefined
 * when the configuration in force could not be evaluated.
 */
export function choose(
  job: JobSnapshot,
  estimate: Estimate | undefined,
  evaluations: readonly Evaluation[],
  among: (configuration: Configuration) => boolean = () => true,
): JobPlan | undefined {
  const currentKey = configurationKey(job.history.current);
  const current = evaluations.find((evaluation) => configurationKey(evaluation.configuration) === currentKey);
  if (current === undefined || estimate === undefined) return undefined;

  const trialShare = trialShareOf(job, estimate, current);
  const ranked = evaluations
    .filter((evaluation) => evaluation === current || among(evaluation.configuration))
    .map((evaluation) => {
      const savings = savingsPerWorld(current, evaluation, trialShare);
      return { evaluation, savings, value: (1 - mean(savings)) * current.meanObjective };
    })
    .sort(compare);
  const best = ranked[0];
  if (best === undefined) return undefined;
  return {
    current,
    best: best.evaluation,
    savingFraction: mean(best.savings),
    cautiousSavingFraction: quantile(best.savings, 0.2),
    runnersUp: ranked.slice(1, 4).map(({ evaluation }) => evaluation),
  };
}

/**
 * Share of the time left that a batch in vain would last. While overhead is not told from work per sample, trying
 * another batch tells it, and what turns out dearer is taken back; 1 once it is known, when nothing is tried.
 */
function trialShareOf(job: JobSnapshot, estimate: Estimate, current: Evaluation): number {
  if (estimate.overheadIsMeasured) return 1;
  return Math.min(1, (job.limits.batchCooldownSeconds + TRIAL_SECONDS) / current.secondsToTarget.value);
}

/** Share of the current objective that is saved in each world; a loss lasts only as long as the trial. */
function savingsPerWorld(current: Evaluation, other: Evaluation, trialShare: number): readonly number[] {
  const isTrial = samePlacement(current.configuration, other.configuration);
  return current.objectivePerWorld.map((value, index) => {
    const saving = 1 - (other.objectivePerWorld[index] ?? value) / value;
    return isTrial && saving < 0 ? saving * trialShare : saving;
  });
}

interface Ranked {
  readonly evaluation: Evaluation;
  readonly value: number;
}

function compare(one: Ranked, other: Ranked): number {
  if (one.evaluation.meetsDeadline !== other.evaluation.meetsDeadline) return one.evaluation.meetsDeadline ? -1 : 1;
  if (!one.evaluation.meetsDeadline) {
    return one.evaluation.meanObjectiveWithLateness - other.evaluation.meanObjectiveWithLateness;
  }
  return one.value - other.value;
}
