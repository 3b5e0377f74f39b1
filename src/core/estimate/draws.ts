import { cholesky } from './linear-algebra.ts';
import { orderStatistics } from './order-statistic.ts';

/**
 * A fixed set of standard normal vectors: the same evidence always gives the same decision, and the expectation over a
 * posterior costs a few dozen evaluations.
 *
 * The points of Roberts' R_d sequence (2018, "The unreasonable effectiveness of quasirandom sequences": a Kronecker
 * sequence on the generalised golden ratio) say which stratum of each coordinate goes with which of another; Halton's
 * sequence is no good here, since in a base above 7 it does not fill its interval in so few points. The vectors come
 * in opposite pairs, so that all odd moments vanish, and are turned so that their covariance is the unit matrix
 * (moment matching, Barraquand 1995, Management Science 41, 1882). Means and covariances over them are thus exact.
 */

export const DRAW_COUNT = 48;
/** Coordinates: seven of the step time, then what `estimate.ts` names. */
export const DRAW_SIZE = 12;

export type Draw = readonly number[];

/** Inverse of the standard normal distribution function, P. J. Acklam's rational approximation, |error| < 1.2e-9. */
export function inverseNormal(probability: number): number {
  const tail = 0.02425;
  if (probability < tail) return acklamTail(Math.sqrt(-2 * Math.log(probability)));
  if (probability > 1 - tail) return -acklamTail(Math.sqrt(-2 * Math.log(1 - probability)));
  const q = probability - 0.5;
  const r = q * q;
  const above = [
    -3.969683028665376e1, 2.209460984245205e2, -2.759285104469687e2, 1.38357751867269e2, -3.066479806614716e1,
    2.506628277459239,
  ];
  const below = [
    -5.447609879822406e1, 1.615858368580409e2, -1.556989798598866e2, 6.680131188771972e1, -1.328068155288572e1, 1,
  ];
  return (horner(above, r) * q) / horner(below, r);
}

function acklamTail(q: number): number {
  const above = [
    -7.784894002430293e-3, -3.223964580411365e-1, -2.400758277161838, -2.549732539343734, 4.374664141464968,
    2.938163982698783,
  ];
  const below = [7.784695709041462e-3, 3.224671290700398e-1, 2.445134137142996, 3.754408661907416, 1];
  return horner(above, q) / horner(below, q);
}

function horner(coefficients: readonly number[], x: number): number {
  return coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);
}

/** The root above 1 of x^(d+1) = x + 1. */
function generalisedGoldenRatio(dimensions: number): number {
  let x = 2;
  for (let iteration = 0; iteration < 60; iteration++) x = (1 + x) ** (1 / (dimensions + 1));
  return x;
}

/** One coordinate of one vector of each pair: magnitudes of all strata of the half-normal, in the sequence's order. */
function stratified(step: number): readonly number[] {
  const pairs = DRAW_COUNT / 2;
  const offsets = Array.from({ length: pairs }, (_, index) => ((0.5 + (index + 1) * step) % 1) - 0.5);
  const byMagnitude = offsets.map((_, index) => index);
  byMagnitude.sort((one, other) => Math.abs(offsets[one] ?? 0) - Math.abs(offsets[other] ?? 0));
  const values = new Array<number>(pairs).fill(0);
  byMagnitude.forEach((index, rank) => {
    values[index] = Math.sign(offsets[index] ?? 0) * inverseNormal(0.5 + (rank + 0.5) / DRAW_COUNT);
  });
  return values;
}

function makeDraws(): readonly Draw[] {
  const ratio = generalisedGoldenRatio(DRAW_SIZE);
  const columns = Array.from({ length: DRAW_SIZE }, (_, index) => stratified(ratio ** -(index + 1)));
  const pairs = DRAW_COUNT / 2;
  const moments = columns.flatMap((one) =>
    columns.map((other) => one.reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0) / pairs),
  );
  const lower = cholesky(moments, DRAW_SIZE);
  return Array.from({ length: pairs }, (_, index) => columns.map((column) => column[index] ?? 0))
    .map((row) => uncorrelated(lower, row))
    .flatMap((row) => [row, row.map((value) => -value)]);
}

/** x of L·x = `row`. */
function uncorrelated(lower: Float64Array, row: readonly number[]): number[] {
  const result: number[] = [];
  row.forEach((value, i) => {
    let rest = value;
    for (let k = 0; k < i; k++) rest -= (lower[i * DRAW_SIZE + k] ?? 0) * (result[k] ?? 0);
    result.push(rest / (lower[i * DRAW_SIZE + i] ?? 1));
  });
  return result;
}

export const DRAWS: readonly Draw[] = makeDraws();

/**
 * Value below which the given share of `values` lies, by linear interpolation. Each value stands for the middle of an
 * equal share (Hazen's positions), as the draws do. O(values).
 */
export function quantile(values: readonly number[], share: number): number {
  const position = positionOf(share, values.length);
  const place = Math.floor(position);
  const [lower, upper] = orderStatistics(values, place);
  return position === place ? lower : lower + (upper - lower) * (position - place);
}

/**
 * Whether the quantile is no more than a limit. Counting tells, unless the limit falls between the two values that the
 * quantile lies between.
 */
export function quantileIsAtMost(values: readonly number[], share: number, limit: number): boolean {
  const place = Math.floor(positionOf(share, values.length));
  let within = 0;
  for (const value of values) if (value <= limit) within++;
  return within === place + 1 ? quantile(values, share) <= limit : within > place;
}

/** In rising order. A typed array sorts numbers several times as fast as a comparing function. */
export function sorted(values: readonly number[]): ArrayLike<number> {
  return new Float64Array(values).sort();
}

export function quantileOfSorted(sorted: ArrayLike<number>, share: number): number {
  const position = positionOf(share, sorted.length);
  const lower = sorted[Math.floor(position)] ?? Number.NaN;
  const upper = sorted[Math.ceil(position)] ?? lower;
  return lower + (upper - lower) * (position - Math.floor(position));
}

function positionOf(share: number, count: number): number {
  return Math.max(0, Math.min(count - 1, share * count - 0.5));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
