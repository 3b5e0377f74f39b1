import type { Known } from './forecast.ts';
import { atHour, byTheHour, hourOf } from './hours.ts';
import { fromLastDays } from './last-days.ts';
import { LEADS, type SignalRecord } from './record.ts';
import type { SignalKind } from './signal-slot.ts';
import { blend, skillAt } from './skill.ts';

const HOURS_PER_DAY = 24;
/** Work of eight hours that has a day for it: a third. */
const HOURS_OF_WORK = 8;
/** Two weeks, so that the weather of one does not decide, and the season of another month neither. */
const DAYS_COMPARED = 14;
/** Fewer days are an anecdote. */
const DAYS_MIN = 3;

/**
 * What working in the best third of each day would have brought over working all day, as a share of the mean, had the
 * hours been chosen each midnight (UTC) by what was forecast then; undefined where fewer than three days can be told.
 * Measured on what came, so a forecast that cannot tell good hours from bad brings nothing. May be negative.
 */
export function expectedShiftingGain(known: Known, kind: SignalKind, now: number): number | undefined {
  const lastDay = Math.floor(hourOf(now) / HOURS_PER_DAY);
  let [gained, size, days] = [0, 0, 0];
  for (let day = lastDay - DAYS_COMPARED; day < lastDay; day++) {
    const told = dayGain(known, day * HOURS_PER_DAY, kind);
    if (told === undefined) continue;
    [gained, size, days] = [gained + told.gained, size + told.size, days + 1];
  }
  return days < DAYS_MIN || !(size > 0) ? undefined : gained / size;
}

function dayGain(known: Known, midnight: number, kind: SignalKind) {
  const came = Array.from({ length: HOURS_PER_DAY }, (_, hour) => atHour(known.days.hours, midnight + hour));
  const forecast = came.map((_, hour) => forecastAtMidnight(known, midnight, hour));
  if ([...came, ...forecast].some(Number.isNaN)) return undefined;
  const sign = kind === 'RenewableShare' ? -1 : 1;
  const chosen = forecast
    .map((value, hour) => ({ value: sign * value, hour }))
    .sort((one, other) => one.value - other.value || one.hour - other.hour)
    .slice(0, HOURS_OF_WORK);
  const mean = came.reduce((sum, value) => sum + value, 0) / HOURS_PER_DAY;
  const got = chosen.reduce((sum, { hour }) => sum + (came[hour] ?? 0), 0) / HOURS_OF_WORK;
  const size = came.reduce((sum, value) => sum + Math.abs(value), 0) / HOURS_PER_DAY;
  return { gained: sign * (mean - got), size };
}

/** What was known of an hour of the day before that day began. */
function forecastAtMidnight({ record, days, skills }: Known, midnight: number, hour: number): number {
  const lead = hour + 1;
  const skill = skillAt(skills, lead);
  if (skill === undefined) return Number.NaN;
  const own = fromLastDays(days, midnight + hour, midnight - 1, skill.persistence);
  // Published so many hours ahead or more, so before midnight.
  const index = LEADS.findIndex((each) => each >= lead);
  const published = record.published.get(midnight + hour)?.[index] ?? Number.NaN;
  return blend(published, own, skill.publishedShare);
}

/** Of the next day as it is published, where there is no history: what the forecast itself promises. */
export function promisedShiftingGain(record: SignalRecord, kind: SignalKind, now: number): number | undefined {
  const first = hourOf(now);
  const { values } = byTheHour(record.slots, first, first + HOURS_PER_DAY);
  if (values.some(Number.isNaN)) return undefined;
  const sign = kind === 'RenewableShare' ? -1 : 1;
  const sorted = values.map((value) => sign * value).sort();
  const mean = sorted.reduce((sum, value) => sum + value, 0) / HOURS_PER_DAY;
  const best = sorted.subarray(0, HOURS_OF_WORK).reduce((sum, value) => sum + value, 0) / HOURS_OF_WORK;
  const size = values.reduce((sum, value) => sum + Math.abs(value), 0) / HOURS_PER_DAY;
  return size > 0 ? (mean - best) / size : undefined;
}
