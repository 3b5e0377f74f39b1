import type { InstantSeconds } from '../configuration.ts';
import { atHour, byTheHour, hourOf, SECONDS_PER_HOUR } from './hours.ts';
import { inOrder, overlay, type SignalSlot } from './signal-slot.ts';

/**
 * What is remembered of a signal: four weeks, of which the seven days before each of the last three make a forecast that
 * can be compared with what came.
 */
export const HISTORY_HOURS = 28 * 24;
/** As far as plans look. */
export const HORIZON_HOURS = 7 * 24;
/** Hours ahead at which forecasts are judged; what lies between two is taken as between. */
export const LEADS = [1, 3, 6, 12, 24, 48, 96] as const;

export interface SignalRecord {
  /** Ascending, without overlaps: the past as it was measured, the future as it was last published. */
  readonly slots: readonly SignalSlot[];
  /** Until when values are measured or published. */
  readonly knownUntil: InstantSeconds | undefined;
  /** By hour since the epoch, the newest value that had been published so many hours ahead as `LEADS` says, or more. */
  readonly published: ReadonlyMap<number, readonly (number | undefined)[]>;
}

export const NO_RECORD: SignalRecord = { slots: [], knownUntil: undefined, published: new Map() };

/** Takes a reading in: it replaces what was said of the same time, and what it leaves out stays. */
export function foldReading(record: SignalRecord, reading: readonly SignalSlot[], now: InstantSeconds): SignalRecord {
  const fresh = inOrder(reading);
  const oldest = now - HISTORY_HOURS * SECONDS_PER_HOUR;
  const latest = (hourOf(now) + HORIZON_HOURS + 1) * SECONDS_PER_HOUR;
  const slots = overlay(record.slots, fresh).flatMap(({ from, to, value }): SignalSlot[] =>
    to > oldest && from < latest ? [{ from: Math.max(from, oldest), to: Math.min(to, latest), value }] : [],
  );
  return { slots, knownUntil: slots.at(-1)?.to, published: foldPublished(record, fresh, now) };
}

function foldPublished(record: SignalRecord, fresh: readonly SignalSlot[], now: InstantSeconds) {
  const origin = hourOf(now);
  const oldest = origin - HISTORY_HOURS;
  const published = new Map([...record.published].filter(([hour]) => hour >= oldest));
  const ahead = byTheHour(fresh, origin, origin + HORIZON_HOURS);
  for (let hour = origin + 1; hour < origin + HORIZON_HOURS; hour++) {
    const value = atHour(ahead, hour);
    if (Number.isNaN(value)) continue;
    const before = published.get(hour);
    published.set(
      hour,
      LEADS.map((lead, index) => (hour - origin >= lead ? value : before?.[index])),
    );
  }
  return published;
}
