import type { SignalUnit } from '../../api/energy-provider.ts';
import type { SignalKind, SignalSlot } from '../../core/forecast/signal-slot.ts';
import { SignalError } from '../../ports/energy-signals.ts';

/** A value from an instant on, until the next or as long as most last. */
export interface Point {
  readonly from: number;
  readonly value: number;
}

/** Longer slots of a live signal are gaps. */
const SLOT_SECONDS_MAX = 3600;
const GRAMS_PER_POUND = 453.59237;

/**
 * Slots from values that come with their start only, in any order. A slot lasts as long as the shortest common distance
 * says, so that a missing one leaves a gap; `usualSeconds` is for a single value.
 */
export function slotsFrom(points: readonly Point[], usualSeconds: number): readonly SignalSlot[] {
  const sorted = points
    .filter(({ from, value }) => Number.isFinite(from) && Number.isFinite(value))
    .sort((one, other) => one.from - other.from);
  const gaps = sorted.slice(1).map(({ from }, index) => from - (sorted[index]?.from ?? 0));
  const lasts = Math.min(SLOT_SECONDS_MAX, median(gaps.filter((gap) => gap > 0)) ?? usualSeconds);
  return sorted.map(({ from, value }, index) => {
    const next = sorted[index + 1]?.from ?? Number.POSITIVE_INFINITY;
    return { from, to: Math.min(from + lasts, next), value };
  });
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}

/** Seconds since the epoch; an instant without offset is in UTC, as all providers that leave it out mean it. */
export function instantOf(text: string): number {
  const isZoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text);
  const milliseconds = Date.parse(isZoned ? text : `${text}Z`);
  if (Number.isNaN(milliseconds)) throw new SignalError('Garbled', `"${text.slice(0, 40)}" is no time`);
  return milliseconds / 1000;
}

/** `2026-11-23T12:00Z`, to the minute. */
export const toMinute = (seconds: number) => `${new Date(seconds * 1000).toISOString().slice(0, 16)}Z`;

export const toSecond = (seconds: number) => new Date(Math.floor(seconds) * 1000).toISOString().replace('.000Z', 'Z');

const FACTORS: Readonly<Record<SignalUnit, number>> = {
  GramsPerKwh: 1,
  PoundsPerMwh: GRAMS_PER_POUND / 1000,
  CurrencyPerKwh: 1,
  CurrencyPerMwh: 1 / 1000,
  Fraction: 1,
  Percent: 1 / 100,
};

export const inUnit = (value: number, unit: SignalUnit) => value * FACTORS[unit];

/** The unit in which a provider that knows one only tells a signal. */
export const UNIT_OF: Readonly<Record<SignalKind, SignalUnit>> = {
  Price: 'CurrencyPerMwh',
  CarbonIntensity: 'GramsPerKwh',
  RenewableShare: 'Percent',
};

/** What a provider that has nothing for this time answers. */
export function orEmpty(slots: readonly SignalSlot[], what: string): readonly SignalSlot[] {
  if (slots.length === 0) throw new SignalError('Empty', `${what} has no values for this time`);
  return slots;
}
