import type { EnergySourceSpec } from '../../api/energy-source.ts';
import { byTheHour, hourOf, SECONDS_PER_HOUR } from '../../core/forecast/hours.ts';
import { HISTORY_HOURS, HORIZON_HOURS, LEADS, NO_RECORD, type SignalRecord } from '../../core/forecast/record.ts';

/** More than any reading is exact to. */
const DIGITS = 6;

interface StoredSeries {
  readonly identity: string;
  /** Hours since the epoch. */
  readonly first: number;
  readonly values: readonly (number | null)[];
  readonly knownUntil: number | undefined;
  /** Hour, and what had been published of it by `LEADS`. */
  readonly published: readonly (readonly (number | null)[])[];
}

/** What the values are of: a source that asks for another signal begins anew. */
export function identityOf({ signal, basis, currency, provider }: EnergySourceSpec): string {
  return JSON.stringify([signal, basis ?? null, currency ?? null, provider]);
}

/** By the hour, five weeks: below 100 kB whatever the provider tells. */
export function encodeSeries(record: SignalRecord, spec: EnergySourceSpec, now: number): string {
  const current = hourOf(now);
  const { values } = byTheHour(record.slots, current - HISTORY_HOURS, current + HORIZON_HOURS + 1);
  const stored: StoredSeries = {
    identity: identityOf(spec),
    first: current - HISTORY_HOURS,
    values: [...values].map(written),
    knownUntil: record.knownUntil,
    published: [...record.published].map(([hour, byLead]) => [hour, ...byLead.map(written)]),
  };
  return JSON.stringify(stored);
}

/** Nothing where the text is of another signal, or not one that was written here. */
export function decodeSeries(text: string | undefined, spec: EnergySourceSpec): SignalRecord {
  const stored = parse(text);
  if (stored === undefined || stored.identity !== identityOf(spec)) return NO_RECORD;
  const slots = stored.values.flatMap((value, index) => {
    const from = (stored.first + index) * SECONDS_PER_HOUR;
    return typeof value === 'number' ? [{ from, to: from + SECONDS_PER_HOUR, value }] : [];
  });
  const published = new Map(
    stored.published.map(([hour, ...byLead]) => [
      Number(hour),
      LEADS.map((_, index) => byLead[index] ?? undefined) as (number | undefined)[],
    ]),
  );
  const known = typeof stored.knownUntil === 'number' ? stored.knownUntil : undefined;
  return { slots, knownUntil: known ?? slots.at(-1)?.to, published };
}

function parse(text: string | undefined): StoredSeries | undefined {
  try {
    const stored = JSON.parse(text ?? '') as Partial<StoredSeries> | null;
    const isWhole = Array.isArray(stored?.values) && Array.isArray(stored.published) && Number.isInteger(stored.first);
    return isWhole && stored.published?.every(Array.isArray) === true ? (stored as StoredSeries) : undefined;
  } catch {
    return undefined;
  }
}

function written(value: number | undefined): number | null {
  return value === undefined || !Number.isFinite(value) ? null : Number(value.toPrecision(DIGITS));
}
