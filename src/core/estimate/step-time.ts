import type { Configuration } from '../configuration.ts';
import type { StepLayout } from '../model/step-time.ts';
import { accumulate, type CumulativeSums, isAlarm, NO_SUMS } from './change-point.ts';
import { growth, isPlausible, type TrainerReading } from './reading.ts';

/** Step time measured under one layout. */
export interface StepTimePoint extends StepLayout {
  /** Steps behind the mean, faded so that a slower machine is noticed. */
  readonly weight: number;
  readonly meanSeconds: number;
  /** Mean of the part that computes; undefined while the trainer does not tell it apart. */
  readonly computeSeconds: number | undefined;
  /** Faded windows behind the means, and the sum of their precisions under the standard scatter. */
  readonly windows: number;
  readonly precision: number;
  /** Faded squares of the windows' deviations in units of the standard scatter, of step and exchange, and how many. */
  readonly spread: number;
  readonly exchangeSpread: number;
  readonly deviations: number;
}

/** What is held in suspense of the layout in force: windows that may be the first after a change. */
export interface ChangeWatch {
  readonly sums: CumulativeSums;
  /** Windows since each sum left zero; they are in the layout's mean as well. */
  readonly rising: StepTimePoint | undefined;
  readonly falling: StepTimePoint | undefined;
  /** A window far off, in no mean until the next one confirms it. */
  readonly suspect: StepTimePoint | undefined;
}

export const NO_WATCH: ChangeWatch = { sums: NO_SUMS, rising: undefined, falling: undefined, suspect: undefined };

export interface StepTimes {
  readonly points: readonly StepTimePoint[];
  readonly watch: ChangeWatch;
  /** Whether this window showed that the machine is another, or a slowed one. */
  readonly changed: boolean;
}

const MAX_POINTS = 12;
const MAX_WEIGHT = 200;
/** Windows that a mean remembers: twenty minutes of them at the default interval. */
const MAX_WINDOWS = 40;
/** A window this many standard deviations off is either a checkpoint, an evaluation, or another machine. */
const GROSS_SD = 4;
/** After a change what was measured under other layouts counts so much less: it is scaled, not measured. */
const FADED_SHARE = 0.5;

/**
 * Adds one window under the layout in force, which is then the last of the points. A window far off is left out until
 * the next one confirms it, so that a checkpoint inside a window moves nothing and a slowed machine is found in two;
 * smaller shifts are found by their cumulative sum.
 */
export function foldStepTime(
  points: readonly StepTimePoint[],
  watch: ChangeWatch,
  inForce: Configuration,
  before: TrainerReading,
  reading: TrainerReading,
): StepTimes {
  const window = observe(inForce, before, reading);
  if (window === undefined) return { points, watch, changed: false };
  const known = points.find((point) => isSameLayout(point, inForce));
  const others = points.filter((point) => point !== known);
  if (known === undefined) {
    return { points: [...others, window].slice(-MAX_POINTS), watch: NO_WATCH, changed: false };
  }

  // 1. How far is the window from what the layout took before?
  const reference = without(known, watch.sums.rise > watch.sums.fall ? watch.rising : watch.falling);
  const sd = Math.sqrt(stepTimeScatter(points) * (1 / window.precision + 1 / reference.precision));
  const deviation = Math.log(window.meanSeconds / reference.meanSeconds) / sd;

  // 2. Far off: believed when the window before was as far off to the same side.
  if (Math.abs(deviation) > GROSS_SD) {
    const { suspect } = watch;
    const confirmed = suspect !== undefined && suspect.meanSeconds > reference.meanSeconds === deviation > 0;
    if (confirmed) return change(others, known, reference, merge(suspect, window));
    return { points: [...others, known], watch: { ...watch, suspect: window }, changed: false };
  }

  // 3. A little off: believed when little by little it adds up.
  const sums = accumulate(watch.sums, deviation);
  const rising = sums.rise > 0 ? mergeInto(watch.rising, window) : undefined;
  const falling = sums.fall > 0 ? mergeInto(watch.falling, window) : undefined;
  const recent = sums.rise > sums.fall ? rising : falling;
  if (isAlarm(sums) && recent !== undefined) return change(others, known, reference, recent);
  return {
    points: [...others, merge(known, window)],
    watch: { sums, rising, falling, suspect: undefined },
    changed: false,
  };
}

function isSameLayout(one: StepLayout, other: StepLayout): boolean {
  return (
    one.dataParallelSize === other.dataParallelSize &&
    one.nodes === other.nodes &&
    one.microBatchSize === other.microBatchSize &&
    one.gradientAccumulationSteps === other.gradientAccumulationSteps
  );
}

/** The window between two readings as a point of its own; undefined when no step was timed in it. */
function observe(inForce: Configuration, before: TrainerReading, reading: TrainerReading): StepTimePoint | undefined {
  const seconds = growth(before.stepSecondsSum, reading.stepSecondsSum);
  const count = growth(before.stepSecondsCount, reading.stepSecondsCount);
  if (seconds === undefined || count === undefined || count < 1 || seconds <= 0) return undefined;
  const weight = Math.min(MAX_WEIGHT, count / reading.ranks);
  const compute = computeShare(before, reading, seconds);
  return {
    nodes: inForce.nodes,
    dataParallelSize: inForce.dataParallelSize,
    microBatchSize: inForce.microBatchSize,
    gradientAccumulationSteps: inForce.gradientAccumulationSteps,
    weight,
    meanSeconds: seconds / count,
    computeSeconds: compute === undefined ? undefined : (compute * seconds) / count,
    windows: 1,
    precision: 1 / stepTimeVariance(weight),
    spread: 0,
    exchangeSpread: 0,
    deviations: 0,
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
function merge(known: StepTimePoint, added: StepTimePoint): StepTimePoint {
  const fade = Math.min(1, (MAX_WINDOWS - added.windows) / known.windows);
  const precision = known.precision * fade + added.precision;
  const share = added.precision / precision;
  const meanSeconds = known.meanSeconds + share * (added.meanSeconds - known.meanSeconds);
  const computeSeconds = mergeCompute(known, added, meanSeconds, share);
  const kept = Math.min(known.weight, MAX_WEIGHT - Math.min(added.weight, MAX_WEIGHT / 2));
  const after = { meanSeconds, computeSeconds };
  return {
    ...known,
    weight: Math.min(MAX_WEIGHT, kept + added.weight),
    meanSeconds,
    computeSeconds,
    windows: known.windows * fade + added.windows,
    precision,
    spread: known.spread * fade + added.precision * squareOfDeviation(stepOf, known, added, after),
    exchangeSpread: known.exchangeSpread * fade + added.precision * squareOfDeviation(exchangeOf, known, added, after),
    deviations: known.deviations * fade + 1,
  };
}

function mergeInto(known: StepTimePoint | undefined, added: StepTimePoint): StepTimePoint {
  return known === undefined ? added : merge(known, added);
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

type Means = Pick<StepTimePoint, 'meanSeconds' | 'computeSeconds'>;

function stepOf({ meanSeconds }: Means): number {
  return meanSeconds;
}

/** Seconds of exchange that no computing hides; not above zero when the trainer does not tell. */
function exchangeOf({ meanSeconds, computeSeconds }: Means): number {
  return computeSeconds === undefined ? 0 : meanSeconds - computeSeconds;
}

/** West's step of a sum of squares, on logarithms. */
function squareOfDeviation(of: (means: Means) => number, known: Means, added: Means, after: Means): number {
  if (of(known) <= 0 || of(added) <= 0 || of(after) <= 0) return 0;
  return Math.log(of(added) / of(known)) * Math.log(of(added) / of(after));
}

/** What the layout took before the windows of `recent`, which its mean holds as well. */
function without(
  known: StepTimePoint,
  recent: StepTimePoint | undefined,
): Pick<StepTimePoint, 'meanSeconds' | 'precision'> {
  if (recent === undefined) return known;
  const precision = known.precision - recent.precision;
  // After an excursion as long as the memory nothing else is left to compare with.
  if (precision < known.precision / MAX_WINDOWS) return known;
  const sum = known.meanSeconds * known.precision - recent.meanSeconds * recent.precision;
  return { precision, meanSeconds: sum / precision };
}

/** The layout begins anew with what came after the change; a slower machine is slower at every layout, so others follow. */
function change(
  others: readonly StepTimePoint[],
  known: StepTimePoint,
  reference: Pick<StepTimePoint, 'meanSeconds'>,
  after: StepTimePoint,
): StepTimes {
  const factor = after.meanSeconds / reference.meanSeconds;
  // How much windows scatter is no matter of how fast the machine is.
  const { spread, exchangeSpread, deviations } = known;
  return {
    points: [...others.map((other) => follow(other, factor)), { ...after, spread, exchangeSpread, deviations }],
    watch: NO_WATCH,
    changed: true,
  };
}

function follow(point: StepTimePoint, factor: number): StepTimePoint {
  return {
    ...point,
    meanSeconds: point.meanSeconds * factor,
    computeSeconds: point.computeSeconds === undefined ? undefined : point.computeSeconds * factor,
    weight: point.weight * FADED_SHARE,
    precision: point.precision * FADED_SHARE,
  };
}

/** Standard scatter: timing noise of a window beyond what more steps average out: other load, clocks, data. */
const MODEL_SD = 0.03;
/** Spread of one step's time; a mean over n steps has this over √n. */
const STEP_SD = 0.3;
/** Windows that the standard scatter is worth as a prior for the scatter of this job. */
const PRIOR_WINDOWS = 3;

/** Variance of the logarithm of a window's mean over so many steps, under the standard scatter. */
export function stepTimeVariance(weight: number): number {
  return MODEL_SD ** 2 + STEP_SD ** 2 / Math.max(1, weight);
}

/** Variance of this job's windows over that of the standard scatter, from all layouts together. */
export function stepTimeScatter(points: readonly StepTimePoint[]): number {
  let squares = PRIOR_WINDOWS;
  let degrees = PRIOR_WINDOWS;
  for (const point of points) {
    squares += point.spread;
    degrees += point.deviations;
  }
  return squares / degrees;
}

/** The same for the exchange, from the layouts that have one and tell it. */
export function exchangeScatter(points: readonly StepTimePoint[]): number {
  let squares = PRIOR_WINDOWS;
  let degrees = PRIOR_WINDOWS;
  for (const point of points) {
    if (point.dataParallelSize < 2 || point.computeSeconds === undefined) continue;
    squares += point.exchangeSpread;
    degrees += point.deviations;
  }
  return squares / degrees;
}
