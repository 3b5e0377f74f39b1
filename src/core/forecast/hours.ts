import type { SignalSlot } from './signal-slot.ts';

export const SECONDS_PER_HOUR = 3600;

/** Values by the hour, hours counted from the epoch; NaN where nothing is known. */
export interface Hours {
  readonly first: number;
  readonly values: Float64Array;
}

export const hourOf = (instant: number) => Math.floor(instant / SECONDS_PER_HOUR);

export function atHour({ first, values }: Hours, hour: number): number {
  return values[hour - first] ?? Number.NaN;
}

/** From hour `first` to before hour `end`, the mean of what the slots say of each, weighted by time. */
export function byTheHour(slots: readonly SignalSlot[], first: number, end: number): Hours {
  const count = Math.max(0, end - first);
  const sums = new Float64Array(count);
  const seconds = new Float64Array(count);
  for (const { from, to, value } of slots) {
    const last = Math.min(end - 1, hourOf(to - 1e-6));
    for (let hour = Math.max(first, hourOf(from)); hour <= last; hour++) {
      const begins = Math.max(from, hour * SECONDS_PER_HOUR);
      const ends = Math.min(to, (hour + 1) * SECONDS_PER_HOUR);
      sums[hour - first] = (sums[hour - first] ?? 0) + value * (ends - begins);
      seconds[hour - first] = (seconds[hour - first] ?? 0) + (ends - begins);
    }
  }
  return { first, values: sums.map((sum, index) => sum / (seconds[index] ?? 0)) };
}
