/**
 * A fixed set of standard normal vectors: the same evidence always gives the same decision, and the expectation over a
 * posterior costs a few dozen evaluations. Halton points (bases 2 to 13) through the inverse normal.
 */

export const DRAW_COUNT = 48;
const BASES = [2, 3, 5, 7, 11, 13] as const;

export type Draw = readonly number[];

function radicalInverse(index: number, base: number): number {
  let result = 0;
  let fraction = 1 / base;
  for (let rest = index; rest > 0; rest = Math.floor(rest / base)) {
    result += (rest % base) * fraction;
    fraction /= base;
  }
  return result;
}

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

export const DRAWS: readonly Draw[] = Array.from({ length: DRAW_COUNT }, (_, index) =>
  BASES.map((base) => inverseNormal(radicalInverse(index + 1, base))),
);

/** Value below which the given share of `values` lies, by linear interpolation. */
export function quantile(values: readonly number[], share: number): number {
  return quantileOfSorted(sorted(values), share);
}

/** In rising order. A typed array sorts numbers several times as fast as a comparing function. */
export function sorted(values: readonly number[]): ArrayLike<number> {
  return new Float64Array(values).sort();
}

export function quantileOfSorted(sorted: ArrayLike<number>, share: number): number {
  const position = share * (sorted.length - 1);
  const lower = sorted[Math.floor(position)] ?? Number.NaN;
  const upper = sorted[Math.ceil(position)] ?? lower;
  return lower + (upper - lower) * (position - Math.floor(position));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
