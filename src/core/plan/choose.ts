import { mean, quantile } from '../estimate/draws.ts';
import type { Estimate } from '../estimate/estimate.ts';
import type { Configuration, JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import { configurationKey, listCandidates } from './candidates.ts';
import { type Evaluation, evaluate } from './evaluate.ts';

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
  evaluations: readonly Evaluation[],
  among: (configuration: Configuration) => boolean = () => true,
): JobPlan | undefined {
  const currentKey = configurationKey(job.history.current);
  const current = evaluations.find((evaluation) => configurationKey(evaluation.configuration) === currentKey);
  if (current === undefined) return undefined;

  const admitted = evaluations.filter((evaluation) => evaluation === current || among(evaluation.configuration));
  const ranked = admitted.sort(compare);
  const best = ranked[0] ?? current;
  const savings = current.objectivePerWorld.map((value, index) => 1 - (best.objectivePerWorld[index] ?? value) / value);
  return {
    current,
    best,
    savingFraction: mean(savings),
    cautiousSavingFraction: quantile(savings, 0.2),
    runnersUp: ranked.slice(1, 4),
  };
}

function compare(one: Evaluation, other: Evaluation): number {
  if (one.meetsDeadline !== other.meetsDeadline) return one.meetsDeadline ? -1 : 1;
  if (!one.meetsDeadline) return lateness(one) - lateness(other);
  return one.meanObjective - other.meanObjective;
}

/**
 * With no way to be in time, being late is priced, not forbidden: finishing sooner counts as much as the money
 * (algorithms.md 3.3: "fastest at any price" missed more deadlines than a priced lateness).
 */
function lateness(evaluation: Evaluation): number {
  return Math.log(evaluation.secondsToTarget90) + Math.log(evaluation.meanObjective);
}
