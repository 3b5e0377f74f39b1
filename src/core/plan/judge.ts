import { samePlacement } from '../configuration.ts';
import { quantile } from '../estimate/draws.ts';
import { type Estimate, estimateJob } from '../estimate/estimate.ts';
import type { Evidence } from '../estimate/evidence.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import type { Score } from './evaluate.ts';
import { scoreCandidates } from './scores.ts';

/** Time to measure a batch that is tried, beside the cooldown. */
const TRIAL_SECONDS = 30;

/** What is known of a job by itself, whatever the hour: its estimate, and what each configuration would bring. */
export interface Judgement {
  readonly estimate: Estimate;
  /** The one that saves most first. */
  readonly candidates: readonly Candidate[];
  /** The configuration in force, one of the candidates; undefined while its pool is not known. */
  readonly current: Candidate | undefined;
  readonly baseline: Candidate | undefined;
}

export interface Candidate {
  readonly score: Score;
  /** Share of the current objective that it saves: mean, and in each possible world. */
  readonly meanSaving: number;
  readonly savingPerWorld: readonly number[];
}

/**
 * Judges a job; undefined while no step time has been measured. What was judged from the same evidence, limits and
 * prices is not judged again: between two readings of a job its scores stand, and planning for another job's sake
 * costs it nothing. The memory goes with the evidence; the answer is the same with and without it.
 */
export function judge(job: JobSnapshot, pools: readonly PoolSnapshot[]): Judgement | undefined {
  const { current, restartSeconds, microBatchSizeCeiling, globalBatchSizeCeiling } = job.history;
  const history = [current, restartSeconds, microBatchSizeCeiling, globalBatchSizeCeiling];
  const inputs = JSON.stringify([job.limits, job.held, history, pools]);
  const known = judged.get(job.evidence);
  if (known?.inputs === inputs) return known.judgement;
  const estimate = estimateJob(job);
  const judgement = estimate === undefined ? undefined : judgeBy(job, estimate, pools);
  judged.set(job.evidence, { inputs, judgement });
  return judgement;
}

const judged = new WeakMap<Evidence, { readonly inputs: string; readonly judgement: Judgement | undefined }>();

function judgeBy(job: JobSnapshot, estimate: Estimate, pools: readonly PoolSnapshot[]): Judgement {
  const { candidates, current, baseline } = scoreCandidates(job, estimate, pools);
  if (current === undefined) return { estimate, candidates: [], current: undefined, baseline: undefined };
  const trialShare = trialShareOf(job, estimate, current);
  const against = (scored: Score) => compareWith(current, scored, trialShare);
  const sorted = candidates.map(against).sort((one, other) => other.meanSaving - one.meanSaving);
  return {
    estimate,
    candidates: sorted,
    current: sorted.find((each) => each.score === current),
    baseline: baseline === undefined ? undefined : against(baseline),
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

/**
 * Savings are taken world by world, so that what is uncertain in the same way for both cancels; in a trial a loss lasts
 * only as long as the trial.
 */
function compareWith(current: Score, other: Score, trialShare: number): Candidate {
  const isTrial = samePlacement(current.configuration, other.configuration);
  let sum = 0;
  const savingPerWorld = current.secondsPerWorld.map((seconds, world) => {
    const value = seconds * current.objectivePerSecond;
    const otherSeconds = other.secondsPerWorld[world] ?? seconds;
    // What costs nothing can save nothing.
    const saving = value === 0 ? 0 : 1 - (otherSeconds * other.objectivePerSecond) / value;
    const counted = isTrial && saving < 0 ? saving * trialShare : saving;
    sum += counted;
    return counted;
  });
  return { score: other, meanSaving: sum / savingPerWorld.length, savingPerWorld };
}
