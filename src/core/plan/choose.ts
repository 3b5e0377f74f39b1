import { type Configuration, samePlacement } from '../configuration.ts';
import type { JobSnapshot, Snapshot } from '../snapshot.ts';
import { describe, type Evaluation, hold as holdScore, type Timed } from './evaluate.ts';
import { bestPerPlacement, type Candidate, type Judgement, MAX_ALTERNATIVES } from './judge.ts';

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
  /** The best batch of every placement, the best first. */
  readonly placements: readonly Candidate[];
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
    const { placements } = judgement;
    return { job, judgement, current, baseline, ranked: candidates, hold: ({ inTime }) => inTime, placements };
  }
  const fastest = candidates.reduce((best, each) => (isFaster(each, best) ? each : best), current).score;
  const held = new Map(
    [...candidates, baseline ?? current].map((each) => [each, holdScore(job, pool, each.score, fastest, left)]),
  );
  const holdOf = (candidate: Candidate) => held.get(candidate) ?? candidate.inTime;
  // The sort keeps the order of what is equally in time.
  const ranked = [...candidates].sort((one, other) => compare(holdOf(one), holdOf(other)));
  return { job, judgement, current, baseline, ranked, hold: holdOf, placements: bestPerPlacement(ranked) };
}

/** The best of the candidates that `among` admits; the configuration in force is always one of them. */
export function choose(ranking: Ranking, among?: (configuration: Configuration) => boolean): JobPlan {
  if (among !== undefined) return planFor(ranking, bestAmong(ranking, among));
  const { judgement, ranked, current } = ranking;
  const best = ranked[0] ?? current;
  // While no deadline is near a job's own choice stays what it is until it is judged anew.
  if (ranked !== judgement.candidates) return planFor(ranking, best);
  const plan = ownChoices.get(judgement) ?? planFor(ranking, best);
  ownChoices.set(judgement, plan);
  return plan;
}

const ownChoices = new WeakMap<Judgement, JobPlan>();

/** The best batch on fewer GPUs that the fleet leaves the job, though what is in force would be better for it. */
export function chooseToYield(ranking: Ranking, share: Pick<Share, 'pool' | 'replicas'>): JobPlan {
  const { ranked, current } = ranking;
  return planFor(ranking, ranked.find(({ score }) => samePlacement(score.configuration, share)) ?? current);
}

/** Whether nothing that `among` admits is better than the configuration in force: then there is no plan to make. */
export function nothingBetter(ranking: Ranking, among: (configuration: Configuration) => boolean): boolean {
  return bestAmong(ranking, among) === ranking.current;
}

function bestAmong({ ranked, current }: Ranking, among: (configuration: Configuration) => boolean): Candidate {
  return ranked.find((each) => each === current || among(each.score.configuration)) ?? current;
}

function planFor({ job, current, baseline, ranked, hold, placements }: Ranking, best: Candidate): JobPlan {
  const tell = (each: Candidate) => describe(job, each.score, hold(each));
  const isElsewhere = ({ score }: Candidate) => !samePlacement(score.configuration, best.score.configuration);
  return {
    current: tell(current),
    best: tell(best),
    baseline: baseline === undefined ? undefined : tell(baseline),
    savingFraction: best.meanSaving,
    cautiousSavingFraction: best.cautiousSaving,
    alternatives: placements.filter(isElsewhere).slice(0, MAX_ALTERNATIVES).map(tell),
    earliest90: earliestOf(ranked),
  };
}

function earliestOf(candidates: readonly Candidate[]): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { score } of candidates) earliest = Math.min(earliest, score.secondsToTarget90);
  return earliest;
}

function isFaster(one: Candidate, other: Candidate): boolean {
  return one.score.secondsToTarget90 < other.score.secondsToTarget90;
}

function compare(one: Timed, other: Timed): number {
  if (one.meetsDeadline !== other.meetsDeadline) return one.meetsDeadline ? -1 : 1;
  return one.meetsDeadline ? 0 : one.meanObjectiveWithLateness - other.meanObjectiveWithLateness;
}
