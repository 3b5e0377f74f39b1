import type { Random } from './clock.ts';

export interface BackoffOptions {
  readonly baseSeconds: number;
  readonly maxSeconds: number;
}

/** Doubles with each failure up to the maximum; the lower half is jitter, so that clients that failed together part. */
export function backoffSeconds(failures: number, { baseSeconds, maxSeconds }: BackoffOptions, random: Random): number {
  if (failures <= 0) return 0;
  // 2^failures overflows to Infinity past 1023, which min() handles.
  const ceiling = Math.min(maxSeconds, baseSeconds * 2 ** (failures - 1));
  return ceiling * (0.5 + 0.5 * random());
}
