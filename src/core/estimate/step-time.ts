import type { Configuration } from '../configuration.ts';
import { accumulate, type CumulativeSums, isAlarm, NO_SUMS } from './change-point.ts';
import type { TrainerReading } from './reading.ts';
import { isSameLayout, merge, observeStepTime, type StepTimePoint, without } from './step-time-point.ts';
import { foldScatter, NO_SCATTER, varianceRatio, type WindowScatter } from './window-scatter.ts';

/** What is held in suspense of the layout in force: windows that may be the first after a change. */
export interface ChangeWatch {
  readonly sums: CumulativeSums;
  /** Windows since each sum left zero; they are in the layout's mean as well. */
  readonly rising: StepTimePoint | undefined;
  readonly falling: StepTimePoint | undefined;
  /** A window far off, in no mean until the next one confirms it. */
  readonly suspect: StepTimePoint | undefined;
  /** The last window that was no suspect. */
  readonly previous: StepTimePoint | undefined;
}

/** What is known of a job's step times. */
export interface StepTimes {
  /** The layout in force is the last, once it has been timed. */
  readonly points: readonly StepTimePoint[];
  readonly scatter: WindowScatter;
  readonly watch: ChangeWatch;
}

const NO_WATCH: ChangeWatch = {
  sums: NO_SUMS,
  rising: undefined,
  falling: undefined,
  suspect: undefined,
  previous: undefined,
};

export const NO_STEP_TIMES: StepTimes = { points: [], scatter: NO_SCATTER, watch: NO_WATCH };

/** `changed`: whether this window showed that the machine is another, or a slowed one. */
export type FoldedStepTimes = StepTimes & { readonly changed: boolean };

const MAX_POINTS = 12;
/** A window this many standard deviations off is either a checkpoint, an evaluation, or another machine. */
const GROSS_SD = 4;
/** One window counts for no more than this in the sums, or a checkpoint or two would add up to a change. */
const MOST_COUNTED_SD = 3;
/** Scatter believed before any is seen, when a window is to be told from a change: 8 % of the step time. */
const CAUTIOUS_SCATTER = 4;
/** A mean of fewer windows that is contradicted was itself the exception. */
const ESTABLISHED_WINDOWS = 3;
/** What was measured two changes ago is known by two factors, and counts so much less. */
const FADED_SHARE = 0.5;

/**
 * Adds one window under the layout in force. A window far off is left out until the next one confirms it, so that a
 * checkpoint inside a window moves nothing and a slowed machine is found in two; smaller shifts are found by their
 * cumulative sum.
 */
export function foldStepTime(
  times: StepTimes,
  inForce: Configuration,
  before: TrainerReading,
  reading: TrainerReading,
): FoldedStepTimes {
  const window = observeStepTime(inForce, before, reading);
  if (window === undefined) return { ...times, changed: false };
  const { points } = times;
  const known = points.find((point) => isSameLayout(point, inForce) && !point.isBeforeChange);
  const others = points.filter((point) => point !== known);
  if (known === undefined) return replace(times, others.slice(1 - MAX_POINTS), window);
  const watch = points.at(-1) === known ? times.watch : NO_WATCH;

  // 1. How far is the window from what the layout took before, and what do such distances add up to?
  const seen = compare(known, watch, window, varianceRatio(times.scatter.step, CAUTIOUS_SCATTER));
  if (seen.alarming !== undefined) return change(times, others, seen.reference, seen.alarming);

  // 2. Far off: believed when the window before was as far off.
  if (seen.isGross) {
    const { suspect } = watch;
    const held = { ...times, points: [...others, known], watch: { ...watch, sums: seen.sums, suspect: window } };
    if (suspect === undefined || !seen.confirms) return { ...held, changed: false };
    const found = merge(suspect, window);
    return seen.reference.windows < ESTABLISHED_WINDOWS
      ? replace(times, others, found)
      : change(times, others, seen.reference, found);
  }

  // 3. Not far off: one more window of the same.
  const { sums, rising, falling } = seen;
  return {
    points: [...others, merge(known, window)],
    scatter: foldScatter(times.scatter, watch.previous, window),
    watch: { sums, rising, falling, suspect: undefined, previous: window },
    changed: false,
  };
}

interface Comparison {
  /** The layout without the windows that are in question. */
  readonly reference: StepTimePoint;
  readonly sums: CumulativeSums;
  readonly rising: StepTimePoint | undefined;
  readonly falling: StepTimePoint | undefined;
  /** The windows since a sum left zero that has now become too large. */
  readonly alarming: StepTimePoint | undefined;
  readonly isGross: boolean;
  /** Whether the window is like the suspect before it. */
  readonly confirms: boolean;
}

function compare(known: StepTimePoint, watch: ChangeWatch, window: StepTimePoint, variance: number): Comparison {
  const reference = without(known, watch.sums.rise > watch.sums.fall ? watch.rising : watch.falling);
  const distance = logRatio(window, reference);
  const counted = Math.min(MOST_COUNTED_SD, Math.abs(distance) / Math.sqrt(variance / window.precision));
  const doubt = Math.sqrt(window.precision / reference.precision);
  const sums = accumulate(watch.sums, Math.sign(distance) * counted, doubt);
  const rising = sums.rise > 0 ? merge(watch.rising, window) : undefined;
  const falling = sums.fall > 0 ? merge(watch.falling, window) : undefined;
  const { suspect } = watch;
  return {
    reference,
    sums,
    rising,
    falling,
    alarming: isAlarm(sums) ? (sums.rise > sums.fall ? rising : falling) : undefined,
    isGross: Math.abs(distance) > GROSS_SD * sdOfDifference(variance, window, reference),
    confirms:
      suspect !== undefined &&
      Math.abs(logRatio(window, suspect)) <= GROSS_SD * sdOfDifference(variance, window, suspect),
  };
}

function logRatio(one: StepTimePoint, other: StepTimePoint): number {
  return Math.log(one.meanSeconds / other.meanSeconds);
}

function sdOfDifference(variance: number, one: StepTimePoint, other: StepTimePoint): number {
  return Math.sqrt(variance * (1 / one.precision + 1 / other.precision));
}

/** The layout begins anew. */
function replace(times: StepTimes, others: readonly StepTimePoint[], after: StepTimePoint): FoldedStepTimes {
  return { ...times, points: [...others, after], watch: { ...NO_WATCH, previous: after }, changed: false };
}

/**
 * The layout begins anew with what came after the change. All that was measured before it stays as it was, and the fit
 * finds the factor between then and now.
 */
function change(
  times: StepTimes,
  others: readonly StepTimePoint[],
  known: StepTimePoint,
  after: StepTimePoint,
): FoldedStepTimes {
  const older = others.filter((point) => point.isBeforeChange);
  const newer = [...others.filter((point) => !point.isBeforeChange), known];
  // Of two changes in a row the earlier one's factor is taken as the layout in force showed it.
  const twin = older.find((point) => isSameLayout(point, known));
  const factor = twin === undefined ? 1 : known.meanSeconds / twin.meanSeconds;
  const past = [
    ...older.filter((point) => !newer.some((each) => isSameLayout(each, point))).map((point) => scale(point, factor)),
    ...newer.map((point) => ({ ...point, isBeforeChange: true })),
  ];
  return { ...replace(times, [...past].slice(1 - MAX_POINTS), after), changed: true };
}

function scale(point: StepTimePoint, factor: number): StepTimePoint {
  return {
    ...point,
    meanSeconds: point.meanSeconds * factor,
    computeSeconds: point.computeSeconds === undefined ? undefined : point.computeSeconds * factor,
    weight: point.weight * FADED_SHARE,
    precision: point.precision * FADED_SHARE,
  };
}
