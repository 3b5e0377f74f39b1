import type { Configuration } from '../configuration.ts';
import type { StepLayout } from '../model/step-time.ts';
import { growth, isPlausible, type TrainerReading } from './reading.ts';

/** Step time measured under one layout. */
export interface StepTimePoint extends StepLayout {
  /** Measured before the machine last became faster or slower: true up to a factor that all such points share. */
  readonly isBeforeChange: boolean;
  /** Steps behind the mean, faded so that a slower machine is noticed. */
  readonly weight: number;
  readonly meanSeconds: number;
  /** Mean of the part that computes; undefined while the trainer does not tell it apart. */
  readonly computeSeconds: number | undefined;
  /** Faded windows behind the means, and the sum of their precisions under the standard scatter. */
  readonly windows: number;
  readonly precision: number;
}

const MAX_WEIGHT = 200;
/** Windows that a mean remembers: twenty minutes of them at the default interval. */
const MAX_WINDOWS = 40;
/** Standard scatter: timing noise of a window beyond what more steps average out: other load, clocks, data. */
const MODEL_SD = 0.03;
/** Spread of one step's time; a mean over n steps has this over √n. */
const STEP_SD = 0.1;

/** Variance of the logarithm of a window's mean over so many steps, under the standard scatter. */
export function stepTimeVariance(weight: number): number {
  return MODEL_SD ** 2 + STEP_SD ** 2 / Math.max(1, weight);
}

export function isSameLayout(one: StepLayout, other: StepLayout): boolean {
  return (
    one.dataParallelSize === other.dataParallelSize &&
    one.nodes === other.nodes &&
    one.microBatchSize === other.microBatchSize &&
    one.gradientAccumulationSteps === other.gradientAccumulationSteps
  );
}

/** The window between two readings as a point of its own; undefined when no step was timed in it. */
export function observeStepTime(
  inForce: Configuration,
  before: TrainerReading,
  reading: TrainerReading,
): StepTimePoint | undefined {
  const seconds = growth(before.stepSecondsSum, reading.stepSecondsSum);
  const count = growth(before.stepSecondsCount, reading.stepSecondsCount);
  if (seconds === undefined || count === undefined || count < 1 || seconds <= 0) return undefined;
  const weight = Math.min(MAX_WEIGHT, count / reading.ranks);
  const compute = computeShare(before, reading, seconds);
  return {
    isBeforeChange: false,
    nodes: inForce.nodes,
    dataParallelSize: inForce.dataParallelSize,
    microBatchSize: inForce.microBatchSize,
    gradientAccumulationSteps: inForce.gradientAccumulationSteps,
    weight,
    meanSeconds: seconds / count,
    computeSeconds: compute === undefined ? undefined : (compute * seconds) / count,
    windows: 1,
    precision: 1 / stepTimeVariance(weight),
  };
}

/** Share of the window's step time that computed; what is told of the exchange serves as well. */
function computeShare(before: TrainerReading, reading: TrainerReading, seconds: number): number | undefined {
  const compute = growth(before.computeSecondsSum, reading.computeSecondsSum);
  if (compute !== undefined && compute > 0) return Math.min(1, compute / seconds);
  const exchange = growth(before.synchronizationSecondsSum, reading.synchronizationSecondsSum);
  if (exchange === undefined || exchange >= seconds) return undefined;
  // A phase that no rank has ever told stays at nothing: that is no measurement of an exchange.
  return isPlausible(reading.synchronizationSecondsSum) && reading.synchronizationSecondsSum > 0
    ? 1 - exchange / seconds
    : undefined;
}

/** A point with one more window (or point) of the same layout, the older ones fading once there are many. */
export function merge(known: StepTimePoint | undefined, added: StepTimePoint): StepTimePoint {
  if (known === undefined) return added;
  const fade = Math.min(1, (MAX_WINDOWS - added.windows) / known.windows);
  const precision = known.precision * fade + added.precision;
  const share = added.precision / precision;
  const meanSeconds = known.meanSeconds + share * (added.meanSeconds - known.meanSeconds);
  const kept = Math.min(known.weight, MAX_WEIGHT - Math.min(added.weight, MAX_WEIGHT / 2));
  return {
    ...known,
    weight: Math.min(MAX_WEIGHT, kept + added.weight),
    meanSeconds,
    computeSeconds: mergeCompute(known, added, meanSeconds, share),
    windows: known.windows * fade + added.windows,
    precision,
  };
}

function mergeCompute(
  known: StepTimePoint,
  added: StepTimePoint,
  meanSeconds: number,
  share: number,
): number | undefined {
  if (known.computeSeconds === undefined) {
    return added.computeSeconds === undefined ? undefined : (added.computeSeconds / added.meanSeconds) * meanSeconds;
  }
  if (added.computeSeconds === undefined) return (known.computeSeconds / known.meanSeconds) * meanSeconds;
  return known.computeSeconds + share * (added.computeSeconds - known.computeSeconds);
}

/** What the layout took before the windows of `recent`, which its mean holds as well. */
export function without(known: StepTimePoint, recent: StepTimePoint | undefined): StepTimePoint {
  if (recent === undefined) return known;
  const precision = known.precision - recent.precision;
  // After an excursion as long as the memory nothing else is left to compare with.
  if (precision < known.precision / MAX_WINDOWS) return known;
  const share = recent.precision / precision;
  const before = (mean: number, ofRecent: number) => mean + share * (mean - ofRecent);
  const { computeSeconds } = known;
  return {
    ...known,
    precision,
    windows: known.windows - recent.windows,
    meanSeconds: before(known.meanSeconds, recent.meanSeconds),
    computeSeconds:
      computeSeconds === undefined || recent.computeSeconds === undefined
        ? computeSeconds
        : before(computeSeconds, recent.computeSeconds),
  };
}
