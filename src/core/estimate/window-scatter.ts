import type { StepTimePoint } from './step-time-point.ts';

/** Squares of deviations in units of the standard scatter, and how many of them count, both faded. */
interface Squares {
  readonly sum: number;
  readonly degrees: number;
}

/** How much a job's windows scatter, over all its layouts: whole steps, their computing, and the exchange not hidden. */
export interface WindowScatter {
  readonly step: Squares;
  readonly compute: Squares;
  readonly exchange: Squares;
}

const NOTHING: Squares = { sum: 0, degrees: 0 };

export const NO_SCATTER: WindowScatter = { step: NOTHING, compute: NOTHING, exchange: NOTHING };

/** Windows that are remembered. */
const MAX_DEGREES = 100;
/**
 * What one difference of neighbours is worth in degrees of freedom, as each window is in two of them (von Neumann 1941,
 * Annals of Mathematical Statistics 12, 367).
 */
const DEGREES_PER_DIFFERENCE = 2 / 3;

/** Adds a window and the one before it: only their difference counts, so that a slowed machine is no scatter. */
export function foldScatter(
  scatter: WindowScatter,
  before: StepTimePoint | undefined,
  window: StepTimePoint,
): WindowScatter {
  if (before === undefined) return scatter;
  const fold = (squares: Squares, of: (point: StepTimePoint) => number) => {
    const [one, other] = [of(before), of(window)];
    if (one <= 0 || other <= 0) return squares;
    const square = Math.log(other / one) ** 2 / (1 / before.precision + 1 / window.precision);
    const fade = Math.min(1, MAX_DEGREES / (squares.degrees + DEGREES_PER_DIFFERENCE));
    return {
      sum: (squares.sum + DEGREES_PER_DIFFERENCE * square) * fade,
      degrees: (squares.degrees + DEGREES_PER_DIFFERENCE) * fade,
    };
  };
  return {
    step: fold(scatter.step, ({ meanSeconds }) => meanSeconds),
    compute: fold(scatter.compute, ({ computeSeconds }) => computeSeconds ?? 0),
    exchange: fold(scatter.exchange, (point) => exposedSeconds(point) ?? 0),
  };
}

/** Exchange that no computing hides; undefined for one rank, and where the trainer does not tell it apart. */
export function exposedSeconds(point: StepTimePoint): number | undefined {
  if (point.dataParallelSize < 2 || point.computeSeconds === undefined) return undefined;
  return point.meanSeconds - point.computeSeconds;
}

/** Degrees of freedom that what is believed beforehand is worth. */
const PRIOR_DEGREES = 3;

/** Variance of the windows over that of the standard scatter; `prior` is what is believed before any was seen. */
export function varianceRatio({ sum, degrees }: Squares, prior = 1): number {
  return (sum + PRIOR_DEGREES * prior) / (degrees + PRIOR_DEGREES);
}
