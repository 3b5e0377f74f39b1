import { exchangeSeconds, type StepTimeParameters } from '../model/step-time.ts';
import type { JobSnapshot } from '../snapshot.ts';
import { DRAWS, type Draw, quantileOfSorted, sorted } from './draws.ts';
import { believedNoise, type JobPrior } from './job-prior.ts';
import { forecastWorkToLoss } from './loss-curve.ts';
import { largestMicroBatch } from './memory.ts';
import { largestBelievedMicroBatch } from './memory-belief.ts';
import { noiseMoments } from './noise-scale.ts';
import { EARLIEST_SHARE, noiseScalesAhead, noiseTrend } from './noise-trend.ts';
import { plausibleEvidence } from './plausible-evidence.ts';
import { fitToHistory } from './prior-conflict.ts';
import { STEP_TIME_COORDINATES, stepTimeSampler } from './step-time-draws.ts';
import type { StepTimeFit } from './step-time-fit.ts';
import { LOG_OVERHEAD, type StepTimePrior } from './step-time-prior.ts';
import { FITTED } from './step-time-residuals.ts';

/** A value with the interval that holds it with probability 0.9. */
export interface Interval {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** One possible world, drawn from the posterior. */
export interface World {
  readonly stepTime: StepTimeParameters;
  readonly gradientNoiseScale: number;
  /** Noise scales in the middle of each third of the work left (`NOISE_PARTS`). */
  readonly noiseScaleAhead: readonly number[];
  /** Work left; the same unit in all worlds. */
  readonly remainingReferenceSamples: number;
}

/** What is believed of a job. */
export interface Estimate {
  readonly overheadSeconds: Interval;
  /** Whether micro batches far enough apart were timed to tell overhead from work per sample. */
  readonly overheadIsMeasured: boolean;
  readonly secondsPerSample: Interval;
  readonly synchronizationSeconds: Interval | undefined;
  /** Undefined when the trainer exports no gradient statistics. */
  readonly gradientNoiseScale: Interval | undefined;
  readonly largestMicroBatchSize: number | undefined;
  /** `Stated` by the user, `Forecast` from the loss, or `Assumed`: as much again as has been done. */
  readonly remainingWork: 'Stated' | 'Forecast' | 'Assumed';
  readonly remainingReferenceSamples: Interval;
}

/** What is believed of a job and, draw by draw, what may be true of it: by far the largest part, needed to judge it. */
export interface Posterior extends Estimate {
  readonly worlds: readonly World[];
  /** The world in the middle of the posterior, to screen candidates by. */
  readonly middle: World;
}

/**
 * Bounds of a drawn noise scale, in reference batches. The floor is far below a quarter, since the reference batch is
 * the user's guess and may itself be much too large.
 */
const NOISE_FLOOR_SHARE = 1 / 64;
const NOISE_CAP_FACTOR = 4096;
const MEASURED_SPAN = 1.5;
const MIDDLE: Draw = DRAWS[0]?.map(() => 0) ?? [];

/** Coordinates of a draw after those of the step time. */
const SIGNAL = STEP_TIME_COORDINATES;
const TRACE = STEP_TIME_COORDINATES + 1;
const WORK = STEP_TIME_COORDINATES + 2;
const GROWTH = STEP_TIME_COORDINATES + 3;

/** An overhead known within this standard deviation of its logarithm counts as measured. */
const KNOWN_OVERHEAD_SD = 0.3;

/**
 * Everything the planner needs to know of one job; undefined while no step time has been measured and none is known
 * from its family or its declared model. Pure, so that it may be remembered by the job's evidence, limits and priors.
 */
export function estimateJob(told: JobSnapshot, prior?: StepTimePrior): Posterior | undefined {
  const believed = told.priors?.find(({ pool }) => pool === told.history.current.pool);
  const evidence = plausibleEvidence(told.evidence);
  if (evidence === undefined) return undefined;
  const job = { ...told, evidence };
  const { limits } = job;
  const fit = fitToHistory(evidence, prior ?? believed?.stepTime);
  if (fit === undefined) return undefined;
  const moments = noiseMoments(evidence.noise);
  const work = remainingWork(job, believed);
  const withExchange = evidence.stepTimes.findLast((point) => point.dataParallelSize > 1);

  const microBatches = evidence.stepTimes.map((point) => point.microBatchSize);

  const drawStepTime = stepTimeSampler(fit, timedRanks(job, believed));
  const trend = noiseTrend(evidence.noiseTrail, believed?.noise);
  const done = evidence.progress.referenceSamples;
  const worldOf = (draw: Draw): World => {
    const remaining = Math.exp(work.logRemaining + work.logSd * (draw[WORK] ?? 0));
    const known = noiseFromHistory(moments, believed, { done, remaining }, draw);
    const gradientNoiseScale = known ?? drawNoise(moments, draw, limits.initialGlobalBatchSize);
    return {
      stepTime: drawStepTime(draw),
      gradientNoiseScale,
      noiseScaleAhead: noiseScalesAhead(trend, gradientNoiseScale, { done, remaining }, draw[GROWTH] ?? 0),
      remainingReferenceSamples: remaining,
    };
  };
  const worlds = DRAWS.map(worldOf);
  return {
    worlds,
    middle: worldOf(MIDDLE),
    overheadSeconds: interval(worlds.map((world) => world.stepTime.overheadSeconds)),
    overheadIsMeasured: spans(microBatches) || overheadIsKnown(fit),
    secondsPerSample: interval(worlds.map((world) => world.stepTime.secondsPerSample)),
    synchronizationSeconds:
      withExchange === undefined
        ? undefined
        : interval(worlds.map((world) => exchangeSeconds(world.stepTime, withExchange))),
    gradientNoiseScale:
      moments === undefined && believed?.noise === undefined
        ? undefined
        : interval(worlds.map((world) => world.gradientNoiseScale)),
    largestMicroBatchSize:
      largestMicroBatch(evidence.memory, limits.memoryHeadroomFraction) ?? believedMicroBatch(job, believed),
    remainingWork: work.source,
    remainingReferenceSamples: interval(worlds.map((world) => world.remainingReferenceSamples)),
  };
}

function spans(microBatches: readonly number[]): boolean {
  return microBatches.length > 0 && Math.max(...microBatches) >= MEASURED_SPAN * Math.min(...microBatches);
}

function overheadIsKnown({ logCovariance }: StepTimeFit): boolean {
  return (logCovariance[LOG_OVERHEAD * (FITTED + 1)] ?? Number.POSITIVE_INFINITY) <= KNOWN_OVERHEAD_SD ** 2;
}

/** The most ranks that this run or its family was timed with. */
function timedRanks({ evidence }: JobSnapshot, believed: JobPrior | undefined): number {
  const own = evidence.stepTimes.map((point) => point.dataParallelSize);
  return Math.max(1, believed?.largestDataParallelSize ?? 0, ...own);
}

function believedMicroBatch({ limits, history }: JobSnapshot, believed: JobPrior | undefined): number | undefined {
  if (believed?.memory === undefined) return undefined;
  return largestBelievedMicroBatch(believed.memory, history.current.dataParallelSize, limits.memoryHeadroomFraction);
}

/** The noise scale that the family had this far into the work; undefined once the run's own is known better. */
function noiseFromHistory(
  moments: ReturnType<typeof noiseMoments>,
  believed: JobPrior | undefined,
  { done, remaining }: { readonly done: number; readonly remaining: number },
  draw: Draw,
): number | undefined {
  if (believed?.noise === undefined) return undefined;
  const { logMean, logSd } = believedNoise(believed.noise, Math.max(done, EARLIEST_SHARE * (done + remaining)));
  const isKnownBetter = moments !== undefined && moments.signal > 0 && moments.signalSd / moments.signal <= logSd;
  return isKnownBetter ? undefined : Math.exp(logMean + logSd * (draw[SIGNAL] ?? 0));
}

/** Without gradient statistics the planner keeps the global batch; the floor then only serves the step count. */
function drawNoise(moments: ReturnType<typeof noiseMoments>, draw: Draw, referenceBatchSize: number): number {
  const floor = NOISE_FLOOR_SHARE * referenceBatchSize;
  if (moments === undefined) return floor;
  const cap = NOISE_CAP_FACTOR * referenceBatchSize;
  // A trace that is nil or less within its error is a noise scale too small to be told from zero at this batch.
  const least = 0.1 * Math.max(moments.trace, moments.traceSd);
  const trace = Math.max(least, moments.trace + moments.traceSd * (draw[TRACE] ?? 0));
  const signal = moments.signal + moments.signalSd * (draw[SIGNAL] ?? 0);
  return signal <= trace / cap ? cap : Math.max(floor, trace / signal);
}

function remainingWork(
  job: JobSnapshot,
  believed: JobPrior | undefined,
): {
  readonly source: Estimate['remainingWork'];
  readonly logRemaining: number;
  readonly logSd: number;
} {
  const { work } = job.limits;
  const done = job.evidence.progress.referenceSamples;
  if (work.type === 'ReferenceSamples') {
    const left = Math.max(work.referenceSamples - done, work.referenceSamples * 1e-3);
    return { source: 'Stated', logRemaining: Math.log(left), logSd: 0 };
  }
  if (work.type === 'ValidationLoss') {
    const forecast = forecastWorkToLoss(job.evidence.losses, work.target);
    if (forecast !== undefined) return { source: 'Forecast', ...forecast };
  }
  const fromRatio = remainingFromRatio(job.evidence.last?.completedRatio, done);
  if (fromRatio !== undefined) return { source: 'Forecast', logRemaining: Math.log(fromRatio), logSd: 0.1 };
  const fromFamily = remainingFromFamily(believed, done);
  if (fromFamily !== undefined) return { source: 'Forecast', ...fromFamily };
  // Nothing is said of the end: a run is taken to be half-way at any time (Gott's and Lindy's argument).
  const assumed = Math.max(done, job.limits.initialGlobalBatchSize * 1000);
  return { source: 'Assumed', logRemaining: Math.log(assumed), logSd: 1 };
}

function remainingFromRatio(ratio: number | undefined, done: number): number | undefined {
  if (ratio === undefined || !(ratio > 0.001) || ratio > 1 || done <= 0) return undefined;
  return Math.max(done * (1 / ratio - 1), done * 1e-3);
}

/** What earlier runs took, less what is done; a run that takes longer than they did is not known to end. */
function remainingFromFamily(
  believed: JobPrior | undefined,
  done: number,
): { readonly logRemaining: number; readonly logSd: number } | undefined {
  if (believed?.work === undefined) return undefined;
  const { logMean, logSd } = believed.work;
  const whole = Math.exp(logMean);
  // The doubt is about the whole, so it weighs ever more on what is left of it.
  return done >= whole ? undefined : { logRemaining: Math.log(whole - done), logSd: (logSd * whole) / (whole - done) };
}

export function interval(values: readonly number[]): Interval {
  const inOrder = sorted(values);
  return {
    value: quantileOfSorted(inOrder, 0.5),
    low: quantileOfSorted(inOrder, 0.05),
    high: quantileOfSorted(inOrder, 0.95),
  };
}
