import { type Configuration, samePlacement } from '../configuration.ts';
import type { JobSnapshot, Snapshot } from '../snapshot.ts';
import { describe, type Evaluation, hold, type Timed } from './evaluate.ts';
import type { Candidate, Judgement } from './judge.ts';

const MAX_ALTERNATIVES = 6;

/** Where one job is to be so that all jobs together cost least. */
export interface Share {
  readonly pool: string;
  readonly replicas: number;
  /** What a GPU of that pool saves those who get it, in money until the runs end; 0 while there are enough. */
  readonly worthPerGpu: number;
}

/** The best configuration of a job beside the one in force. */
export interface JobPlan {
  readonly current: Evaluation;
  readonly best: Evaluation;
  /** What the user started with, on the pool in use. */
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
  readonly current: Candidate;
  readonly baseline: Candidate | undefined;
  /** The best first: those that meet the deadline before those that do not. */
  readonly ranked: readonly Candidate[];
  readonly hold: (candidate: Candidate) => Timed;
}

/**
 * Undefined when the configuration in force could not be evaluated. Cost: nothing while no deadline is near, else
 * candidates × possible worlds.
 */
export function rank(job: JobSnapshot, judgement: Judgement, snapshot: Snapshot): Ranking | undefined {
  const { candidates, current, baseline } = judgement;
  const pool = snapshot.pools.find(({ name }) => name === job.history.current.pool);
  if (current === undefined || pool === undefined) return undefined;
  // What takes longer or costs more than a number can say cannot be compared.
  if (!Number.isFinite(current.score.meanObjective)) return undefined;
  const left = (job.limits.deadline ?? Number.POSITIVE_INFINITY) - snapshot.now;
  // Candidates come in the order of what they save, which is all that counts while each is in time.
  if (judgement.longestSeconds <= left) {
    return { job, judgement, current, baseline, ranked: candidates, hold: ({ inTime }) => inTime };
  }
  const fastest = candidates.reduce((best, each) => (isFaster(each, best) ? each : best), current).score;
  const held = new Map(
    [...candidates, baseline ?? current].map((each) => [each, hold(job, pool, each.score, fastest, left)]),
  );
  const holdOf = (candidate: Candidate) => held.get(candidate) ?? candidate.inTime;
  // The sort keeps the order of what is equally in time.
  const ranked = [...candidates].sort((one, other) => compare(holdOf(one), holdOf(other)));
  return { job, judgement, current, baseline, ranked, hold: holdOf };
}

/** The best of the candidates that `among` admits; the configuration in force is always one of them. */
export function choose(ranking: Ranking, among?: (configuration: Configuration) => boolean): JobPlan {
  if (among !== undefined) return planFor(ranking, among);
  const { judgement, ranked } = ranking;
  // While no deadline is near a job's own choice stays what it is until it is judged anew.
  const isLasting = ranked === judgement.candidates;
  const known = isLasting ? ownChoices.get(judgement) : undefined;
  const plan = known ?? planFor(ranking, () => true);
  if (isLasting) ownChoices.set(judgement, plan);
  return plan;
}

const ownChoices = new WeakMap<Judgement, JobPlan>();

/** The best batch on fewer GPUs that the fleet leaves the job, though what is in force would be better for it. */
export function chooseToYield(ranking: Ranking, share: Pick<Share, 'pool' | 'replicas'>): JobPlan {
  const { ranked, current } = ranking;
  return tell(ranking, ranked.find(({ score }) => samePlacement(score.configuration, share)) ?? current);
}

function planFor(ranking: Ranking, among: (configuration: Configuration) => boolean): JobPlan {
  const { ranked, current } = ranking;
  return tell(ranking, ranked.find((each) => each === current || among(each.score.configuration)) ?? current);
}

function tell({ job, judgement, current, baseline, ranked, hold: holdOf }: Ranking, best: Candidate): JobPlan {
  const evaluate = (each: Candidate) => describe(job, judgement.estimate, each.score, holdOf(each));
  return {
    current: evaluate(current),
    best: evaluate(best),
    baseline: baseline === undefined ? undefined : evaluate(baseline),
    savingFraction: best.meanSaving,
    cautiousSavingFraction: best.cautiousSaving,
    alternatives: bestPerPlacement(ranked, best)
      .slice(1, 1 + MAX_ALTERNATIVES)
      .map(evaluate),
    earliest90: Math.min(...ranked.map(({ score }) => score.secondsToTarget90)),
  };
}

/** The best batch of every placement, the best first; `first` stands for its own. */
export function bestPerPlacement(ranked: readonly Candidate[], first?: Candidate): readonly Candidate[] {
  const found = first === undefined ? [] : [first];
  for (const each of ranked) {
    const { configuration } = each.score;
    if (!found.some(({ score }) => samePlacement(score.configuration, configuration))) found.push(each);
  }
  return found;
}

function isFaster(one: Candidate, other: Candidate): boolean {
  return one.score.secondsToTarget90 < other.score.secondsToTarget90;
}

function compare(one: Timed, other: Timed): number {
  if (one.meetsDeadline !== other.meetsDeadline) return one.meetsDeadline ? -1 : 1;
  return one.meetsDeadline ? 0 : one.meanObjectiveWithLateness - other.meanObjectiveWithLateness;
}
