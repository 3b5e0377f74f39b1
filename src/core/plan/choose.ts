import { type Configuration, samePlacement } from '../configuration.ts';
import type { JobSnapshot, Snapshot } from '../snapshot.ts';
import {
  budgetLeft,
  costToTarget90,
  describe,
  type Evaluation,
  hold as holdScore,
  limitsBroken,
  type Timed,
} from './evaluate.ts';
import { bestPerPlacement, type Candidate, type Judgement, MAX_ALTERNATIVES, placementKey } from './judge.ts';

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
  /** Money that the cheapest placement stays below with probability 0.9: no lower budget can be kept from here. */
  readonly cheapest90: number;
  /** What the fleet as a whole leaves the job, and what it would choose by itself, where these differ. */
  readonly contest?: { readonly share: Share; readonly wanted: Configuration };
}

/** The candidates of a job held against the clock and the budget. */
export interface Ranking {
  readonly job: JobSnapshot;
  readonly judgement: Judgement;
  readonly current: Candidate;
  readonly baseline: Candidate | undefined;
  /** The best first: those that keep the budget before those that do not, then those that meet the deadline. */
  readonly ranked: readonly Candidate[];
  readonly hold: (candidate: Candidate) => Timed;
  /** The best batch of every placement, the best first. */
  readonly placements: readonly Candidate[];
}

/**
 * Undefined when the configuration in force could not be evaluated. Cost: nothing while neither deadline nor budget is
 * near, else candidates × possible worlds.
 */
export function rank(job: JobSnapshot, judgement: Judgement, snapshot: Snapshot): Ranking | undefined {
  const { candidates, current, baseline } = judgement;
  const pool = snapshot.pools.find(({ name }) => name === job.history.current.pool);
  if (current === undefined || pool === undefined) return undefined;
  // What takes longer or costs more than a number can say cannot be compared.
  if (!Number.isFinite(current.score.meanObjective)) return undefined;
  const left = (job.limits.deadline ?? Number.POSITIVE_INFINITY) - snapshot.now;
  // Candidates come in the order of what they save, which is all that counts while each is in time and can be paid.
  if (judgement.longestSeconds <= left && judgement.dearest90 <= budgetLeft(job)) {
    const { placements } = judgement;
    return { job, judgement, current, baseline, ranked: candidates, hold: ({ inTime }) => inTime, placements };
  }
  const fastest = candidates.reduce((best, each) => (isFaster(each, best) ? each : best), current).score;
  const held = new Map(
    [...candidates, baseline ?? current].map((each) => [each, holdScore(job, pool, each.score, fastest, left)]),
  );
  const holdOf = (candidate: Candidate) => held.get(candidate) ?? candidate.inTime;
  const ranked = byLimits(candidates, holdOf);
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
    cheapest90: cheapestOf(ranked),
  };
}

function earliestOf(candidates: readonly Candidate[]): number {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { score } of candidates) earliest = Math.min(earliest, score.secondsToTarget90);
  return earliest;
}

function cheapestOf(candidates: readonly Candidate[]): number {
  let cheapest = Number.POSITIVE_INFINITY;
  for (const { score } of candidates) cheapest = Math.min(cheapest, costToTarget90(score));
  return cheapest;
}

/**
 * What keeps budget and deadline before what is late, by its lateness, before what exceeds the budget. The order of what
 * is equally good stays.
 */
function byLimits(candidates: readonly Candidate[], hold: Ranking['hold']): readonly Candidate[] {
  const least = leastCostOfPlacement(candidates);
  const compare = (one: Candidate, other: Candidate) => {
    const [held, otherwise] = [hold(one), hold(other)];
    const broken = limitsBroken(held);
    if (broken !== limitsBroken(otherwise)) return broken - limitsBroken(otherwise);
    if (broken === 1) return held.meanObjectiveWithLateness - otherwise.meanObjectiveWithLateness;
    return broken === 2 ? least(one) - least(other) : 0;
  };
  return [...candidates].sort(compare);
}

/**
 * What a placement costs at least, by which those that exceed the budget are ordered. The batches of one placement keep
 * their order: they have one price an hour, and one that is only to be tried must not wait until its worth is known.
 */
function leastCostOfPlacement(candidates: readonly Candidate[]): (candidate: Candidate) => number {
  const least = new Map<string, number>();
  for (const { score } of candidates) {
    const key = placementKey(score);
    least.set(key, Math.min(least.get(key) ?? Number.POSITIVE_INFINITY, costToTarget90(score)));
  }
  return ({ score }) => least.get(placementKey(score)) ?? Number.POSITIVE_INFINITY;
}

function isFaster(one: Candidate, other: Candidate): boolean {
  return one.score.secondsToTarget90 < other.score.secondsToTarget90;
}
