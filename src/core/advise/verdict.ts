import { DRAWS } from '../estimate/draws.ts';
import type { Interval } from '../estimate/estimate.ts';
import type { LogBelief } from '../estimate/memory-belief.ts';
import { figure, money } from '../explain/figures.ts';

/** `Neutral` where the interval of 90 % of what is saved holds both gains and losses. */
export type Verdict = 'Cheaper' | 'Neutral' | 'Dearer';

export interface Advice {
  readonly subject: 'Batch' | 'Hardware';
  readonly from: string;
  readonly to: string;
  readonly verdict: Verdict;
  readonly currency: string;
  /** Of the usage, by the month; below 0 it costs more. */
  readonly savingPerMonth: Interval;
  readonly upfront: number;
  /** Until the savings have paid what is paid up front, infinite for never; undefined where nothing is. */
  readonly breakEven: { readonly months: Interval; readonly gpuHours: Interval } | undefined;
  /** One sentence with its figures. */
  readonly sentence: string;
}

/** What nothing can be said about, and why. */
export interface Withheld {
  readonly subject: Advice['subject'];
  readonly about: string;
  readonly reason: string;
}

export function verdictOn(saved: Interval): Verdict {
  if (saved.low > 0) return 'Cheaper';
  return saved.high < 0 ? 'Dearer' : 'Neutral';
}

/** A function of positive values that are not known for sure, worked out for the same draws every time. */
export function over(beliefs: readonly LogBelief[], value: (...known: readonly number[]) => number): Interval {
  return intervalOf(
    DRAWS.map((draw) => value(...beliefs.map(({ logMean, logSd }, at) => Math.exp(logMean + logSd * (draw[at] ?? 0))))),
  );
}

/** By rank and without interpolation, as some of the values may be infinite. */
function intervalOf(values: readonly number[]): Interval {
  const inOrder = values.toSorted((one, other) => (one < other ? -1 : one > other ? 1 : 0));
  const at = (share: number) => inOrder[Math.floor(share * inOrder.length)] ?? Number.NaN;
  return { value: at(0.5), low: at(0.05), high: at(0.95) };
}

/** `$12.00 less a month ($9.00–$15.00)`, or more; of a doubtful sign, from and to. */
export function savingInWords({ value, low, high }: Interval, currency: string): string {
  const tell = (each: number) => money(Math.abs(each), currency);
  if (low < 0 && high > 0) return `between ${tell(high)} less and ${tell(low)} more a month`;
  const [near, far] = [low, high].map(Math.abs).sort((one, other) => one - other) as [number, number];
  return `${tell(value)} ${value < 0 ? 'more' : 'less'} a month (${tell(near)}–${tell(far)})`;
}

/** `34.5 (18.5–69.1)`; `never` for what is infinite. */
export function rangeInWords(interval: Interval): string {
  const tell = (each: number) => (Number.isFinite(each) ? figure(each) : 'never');
  const [value, low, high] = [tell(interval.value), tell(interval.low), tell(interval.high)];
  return low === high ? value : `${value} (${low}–${high})`;
}
