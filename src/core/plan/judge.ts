import { globalBatchSize, samePlacement } from '../configuration.ts';
import { quantile } from '../estimate/draws.ts';
import { type Estimate, estimateJob, type Posterior } from '../estimate/estimate.ts';
import type { Evidence } from '../estimate/evidence.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import { costToTarget90, describeInTime, type Score, type Timed } from './evaluate.ts';
import { equalInputs, type Inputs, inputsOf } from './inputs.ts';
import { scoreCandidates } from './scores.ts';

/** Placements beside the best one that people are told of. */
export const MAX_ALTERNATIVES = 6;
/** Time to measure a batch that is tried, beside the cooldown. */
const TRIAL_SECONDS = 30;

/** What is known of a job by itself, whatever the hour: its estimate, and what each configuration would bring. */
export interface Judgement {
  readonly estimate: Estimate;
  /** The frontier of saving against time, placement by placement; the placement that saves most first. */
  readonly candidates: readonly Candidate[];
  /** The best candidate of every placement, in the same order. */
  readonly placements: readonly Candidate[];
  /** The configuration in force, one of the candidates; undefined while its pool is not known. */
  readonly current: Candidate | undefined;
  readonly baseline: Candidate | undefined;
  /** No candidate takes longer in any possible world. */
  readonly longestSeconds: number;
  /** Money that no candidate costs more than, each with probability 0.9. */
  readonly dearest90: number;
}

export interface Candidate {
  readonly score: Score;
  /** Share of the current objective that it saves: mean over the possible worlds, and value exceeded in 0.8 of them. */
  readonly meanSaving: number;
  readonly cautiousSaving: number;
  /** Share that its whole way to the end saves: by it placements are held against each other. */
  readonly savingToTheEnd: number;
  /** How it stands while neither deadline nor budget is near. */
  readonly inTime: Timed;
}

/**
 * Judges a job; undefined while no step time has been measured. What was judged from the same evidence, limits and
 * prices is not judged again: between two readings of a job its scores stand, and planning for another job's sake
 * costs it nothing. The memory goes with the evidence; the answer is the same with and without it.
 */
export function judge(job: JobSnapshot, pools: readonly PoolSnapshot[]): Judgement | undefined {
  const inputs = inputsOf(job, pools);
  const known = judged.get(job.evidence);
  if (known !== undefined && equalInputs(known.inputs, inputs)) return known.judgement;
  const estimate = estimateJob(job);
  const judgement = estimate === undefined ? undefined : judgeBy(job, estimate, pools);
  judged.set(job.evidence, { inputs, judgement });
  return judgement;
}

const judged = new WeakMap<Evidence, { readonly inputs: Inputs; readonly judgement: Judgement | undefined }>();

function judgeBy(job: JobSnapshot, posterior: Posterior, pools: readonly PoolSnapshot[]): Judgement {
  const { worlds: _worlds, middle: _middle, ...estimate } = posterior;
  const { candidates: scores, current, baseline } = scoreCandidates(job, posterior, pools);
  const nothing = {
    estimate,
    candidates: [],
    placements: [],
    current: undefined,
    baseline: undefined,
    longestSeconds: 0,
    dearest90: 0,
  };
  if (current === undefined) return nothing;
  const trialShare = trialShareOf(job, estimate, current);
  const against = (score: Score) => compareWith(current, score, trialShare);
  const candidates = frontier(byPlacement(scores.map(against)), current);
  const placements = bestPerPlacement(candidates);
  const told = placements.slice(0, 1 + MAX_ALTERNATIVES).map(({ score }) => score);
  for (const score of new Set([current, ...told, ...(baseline === undefined ? [] : [baseline])])) {
    describeInTime(job, posterior, score);
  }
  return {
    estimate,
    candidates,
    placements,
    current: candidates.find((each) => each.score === current),
    baseline: baseline === undefined ? undefined : against(baseline),
    longestSeconds: Math.max(...candidates.map(({ score }) => score.longestSeconds)),
    dearest90: Math.max(...candidates.map(({ score }) => costToTarget90(score))),
  };
}

/** The placement whose best batch saves most to the end first, each with its batches, the best first. */
function byPlacement(candidates: readonly Candidate[]): readonly Candidate[] {
  const groups = Map.groupBy(candidates, ({ score }) => placementKey(score));
  return [...groups.values()]
    .map((group) => group.sort((one, other) => other.meanSaving - one.meanSaving))
    .sort((one, other) => (other[0]?.savingToTheEnd ?? 0) - (one[0]?.savingToTheEnd ?? 0))
    .flat();
}

export function placementKey({ configuration: { pool, replicas } }: Score): string {
  return `${replicas}@${pool}`;
}

/** The best batch of every placement, in the order of the candidates. */
export function bestPerPlacement(candidates: readonly Candidate[]): readonly Candidate[] {
  const found: Candidate[] = [];
  for (const each of candidates) {
    const { configuration } = each.score;
    if (!found.some(({ score }) => samePlacement(score.configuration, configuration))) found.push(each);
  }
  return found;
}

/**
 * Leaves out what saves less and is no faster than another batch of the same placement. The configuration in force
 * stays, and every placement's candidate of the batch in force, for jobs whose batch may not be changed.
 */
function frontier(sorted: readonly Candidate[], current: Score): readonly Candidate[] {
  const fastest = new Map<string, number>();
  const batch = globalBatchSize(current.configuration);
  return sorted.filter(({ score }) => {
    const { configuration, secondsToTarget90: seconds } = score;
    const placement = placementKey(score);
    const isFaster = seconds < (fastest.get(placement) ?? Number.POSITIVE_INFINITY);
    if (isFaster) fastest.set(placement, seconds);
    return isFaster || score === current || globalBatchSize(configuration) === batch;
  });
}

/**
 * Share of the time left that a batch in vain would last. While overhead is not told from work per sample, trying
 * another batch tells it, and what turns out dearer is taken back; 1 once it is known, when nothing is tried.
 */
function trialShareOf(job: JobSnapshot, estimate: Estimate, current: Score): number {
  if (estimate.overheadIsMeasured) return 1;
  return Math.min(1, (job.limits.batchCooldownSeconds + TRIAL_SECONDS) / quantile(current.secondsPerWorld, 0.5));
}

/**
 * Savings are taken world by world, so that what is uncertain in the same way for both cancels. Batches on one placement
 * are held against each other as things are; in a trial a loss lasts only as long as the trial.
 */
function compareWith(current: Score, other: Score, trialShare: number): Candidate {
  const stays = samePlacement(current.configuration, other.configuration);
  const from = stays ? current.presentSecondsPerWorld : current.secondsPerWorld;
  const to = stays ? other.presentSecondsPerWorld : other.secondsPerWorld;
  const share = stays ? trialShare : 1;
  const factor = other.objectivePerSecond / current.objectivePerSecond;
  let sum = 0;
  const savings = from.map((seconds, world) => {
    // What costs nothing can save nothing.
    const isFree = seconds === 0 || current.objectivePerSecond === 0;
    const saving = isFree ? 0 : 1 - ((to[world] ?? seconds) / seconds) * factor;
    const counted = saving < 0 ? saving * share : saving;
    sum += counted;
    return counted;
  });
  const whole = current.meanObjective === 0 ? 0 : 1 - other.meanObjective / current.meanObjective;
  return {
    score: other,
    savingToTheEnd: whole,
    meanSaving: sum / savings.length,
    cautiousSaving: quantile(savings, 0.2),
    inTime: { keepsBudget: true, meetsDeadline: true, meanObjectiveWithLateness: other.meanObjective },
  };
}
