import { type Configuration, samePlacement } from '../configuration.ts';
import { quantile } from '../estimate/draws.ts';
import type { JobSnapshot, Snapshot } from '../snapshot.ts';
import { describe, type Evaluation, type Timed, timed } from './evaluate.ts';
import type { Candidate, Judgement } from './judge.ts';
import type { Share } from './share.ts';

const MAX_ALTERNATIVES = 6;

/** The best configuration of a job beside the one in force. */
export interface JobPlan {
  readonly current: Evaluation;
  readonly best: Evaluation;
  /** What the user started with, on the pool in use; undefined while that pool is not known. */
  readonly baseline: Evaluation | undefined;
  /** Share of the current objective that the best saves: mean, and the value exceeded with probability 0.8. */
  readonly savingFraction: number;
  readonly cautiousSavingFraction: number;
  /** The best of every other placement, for the record: at most six, the best first. */
  readonly alternatives: readonly Evaluation[];
  /** Seconds within which the fastest placement would end with probability 0.9: no earlier deadline can be kept. */
  readonly earliest90: number;
  /** What the fleet as a whole leaves the job, and what it would choose by itself, where these differ. */
  readonly contest?: { readonly share: Share; readonly wanted: Configuration };
}

/** The candidates of a job held against the clock. */
export interface Ranking {
  readonly job: JobSnapshot;
  readonly judgement: Judgement;
  readonly current: Ranked;
  readonly baseline: Ranked | undefined;
  /** The best first: those that meet the deadline before those that do not. */
  readonly ranked: readonly Ranked[];
}

export interface Ranked {
  readonly candidate: Candidate;
  readonly held: Timed;
}

/** Undefined when the configuration in force could not be evaluated. Cost: candidates × possible worlds. */
export function rank(job: JobSnapshot, judgement: Judgement, snapshot: Snapshot): Ranking | undefined {
  const pools = new Map(snapshot.pools.map((pool) => [pool.name, pool]));
  const hold = (candidate: Candidate): readonly Ranked[] => {
    const pool = pools.get(candidate.score.configuration.pool);
    return pool === undefined ? [] : [{ candidate, held: timed(job, pool, candidate.score, snapshot.now) }];
  };
  const { candidates, current, baseline } = judgement;
  const [held] = current === undefined ? [] : hold(current);
  if (held === undefined) return undefined;
  // Candidates come sorted by what they save, which is all that counts without a deadline.
  const ranked = candidates.flatMap(hold);
  return {
    job,
    judgement,
    current: held,
    baseline: baseline === undefined ? undefined : hold(baseline)[0],
    ranked: job.limits.deadline === undefined ? ranked : ranked.sort(compare),
  };
}

/** The best of the candidates that `among` admits; the configuration in force is always one of them. */
export function choose(
  { job, judgement, current, baseline, ranked }: Ranking,
  among: (configuration: Configuration) => boolean = () => true,
): JobPlan {
  const isCurrent = ({ candidate }: Ranked) => candidate === current.candidate;
  const best = ranked.find((each) => isCurrent(each) || among(each.candidate.score.configuration)) ?? current;
  const tell = ({ candidate, held }: Ranked) => describe(job, judgement.estimate, candidate.score, held);
  return {
    current: tell(current),
    best: tell(best),
    baseline: baseline === undefined ? undefined : tell(baseline),
    savingFraction: best.candidate.meanSaving,
    cautiousSavingFraction: quantile(best.candidate.savingPerWorld, 0.2),
    alternatives: bestOfOtherPlacements(ranked, best).map(tell),
    earliest90: ranked.reduce((least, { held }) => Math.min(least, held.secondsToTarget90), Number.POSITIVE_INFINITY),
  };
}

function bestOfOtherPlacements(ranked: readonly Ranked[], chosen: Ranked): readonly Ranked[] {
  const configurationOf = ({ candidate }: Ranked) => candidate.score.configuration;
  const found: Ranked[] = [];
  for (const each of ranked) {
    if (found.length === MAX_ALTERNATIVES) break;
    const seen = [chosen, ...found].some((other) => samePlacement(configurationOf(other), configurationOf(each)));
    if (!seen) found.push(each);
  }
  return found;
}

function compare(one: Ranked, other: Ranked): number {
  if (one.held.meetsDeadline !== other.held.meetsDeadline) return one.held.meetsDeadline ? -1 : 1;
  if (!one.held.meetsDeadline) return one.held.meanObjectiveWithLateness - other.held.meanObjectiveWithLateness;
  return other.candidate.meanSaving - one.candidate.meanSaving;
}
