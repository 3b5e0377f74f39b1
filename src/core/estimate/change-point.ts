/**
 * Two-sided cumulative sums of standardised deviations (Page 1954, Biometrika 41, 100). With these bounds a false alarm
 * comes about every 9,500 windows, a shift of one standard deviation is found in about 16 windows, one of three in 4.
 */
export interface CumulativeSums {
  readonly rise: number;
  readonly fall: number;
}

export const NO_SUMS: CumulativeSums = { rise: 0, fall: 0 };

/** Half of the smallest shift worth finding, and the sum that is an alarm, in standard deviations. */
const ALLOWANCE = 0.5;
const ALARM = 8;
/** Errors of the reference that are allowed for: 19 of 20. */
const REFERENCE_SDS = 2;

/**
 * Adds a deviation from a reference whose own standard deviation is `referenceSd`. The reference's error is the same in
 * every window, so the sums have to allow for it, or it would be found as a shift.
 */
export function accumulate(sums: CumulativeSums, deviation: number, referenceSd: number): CumulativeSums {
  const allowance = ALLOWANCE + REFERENCE_SDS * referenceSd;
  return {
    rise: Math.max(0, sums.rise + deviation - allowance),
    fall: Math.max(0, sums.fall - deviation - allowance),
  };
}

export function isAlarm({ rise, fall }: CumulativeSums): boolean {
  return Math.max(rise, fall) > ALARM;
}
