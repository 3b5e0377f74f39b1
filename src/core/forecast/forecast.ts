import type { InstantSeconds } from '../configuration.ts';
import { atHour, byTheHour, type Hours, hourOf, SECONDS_PER_HOUR } from './hours.ts';
import { fromLastDays, type LastDays, readLastDays } from './last-days.ts';
import { HISTORY_HOURS, HORIZON_HOURS, type SignalRecord } from './record.ts';
import { blend, countKnown, measureSkills, type Skill, skillAt } from './skill.ts';

/** What a signal will be in one hour, in its own unit. */
export interface HourForecast {
  /** Half-open. */
  readonly from: InstantSeconds;
  readonly to: InstantSeconds;
  readonly value: number;
  /** Ends of the 90 % interval; undefined where too few forecasts could be compared with what came. */
  readonly low: number | undefined;
  readonly high: number | undefined;
  /** Standard deviation of the error. */
  readonly deviation: number | undefined;
}

export interface SignalForecast {
  /** From the hour that has begun; an hour of which nothing can be said is missing. */
  readonly hours: readonly HourForecast[];
  /** How the value a day ahead was found. */
  readonly method: 'Published' | 'Blended' | 'LastDays' | 'None';
  /** Mean absolute error a day ahead as a share of the mean size of the signal. */
  readonly relativeError: number | undefined;
  /** Hours that are known of the last weeks. */
  readonly historyHours: number;
}

const DAY_AHEAD = 24;

/** What a forecast at hour `origin` knows: nothing of later hours but what had been published. */
export interface Known {
  readonly record: SignalRecord;
  /** Up to and including the origin. */
  readonly days: LastDays;
  readonly skills: readonly Skill[];
  readonly origin: number;
}

/** Cost: that of comparing four weeks of past forecasts, some milliseconds. */
export function forecastSignal(
  record: SignalRecord,
  now: InstantSeconds,
  known = whatIsKnown(record, now),
): SignalForecast {
  const current = hourOf(now);
  const { hours: history } = known.days;
  const ahead = byTheHour(record.slots, current, current + HORIZON_HOURS);
  const historyHours = countKnown(history);
  // A few hours say nothing of the other hours of a day, nor how far they are apart.
  const own = { spread: spreadOf(history), hasADay: historyHours >= DAY_AHEAD };
  const hours: HourForecast[] = [];
  for (let hour = current; hour < current + HORIZON_HOURS; hour++) {
    const forecast = forecastHour(known, hour, atHour(ahead, hour), own);
    if (forecast !== undefined) hours.push(forecast);
  }
  const dayAhead = skillAt(known.skills, DAY_AHEAD);
  const size = meanSize(history);
  return {
    hours,
    method: methodOf(known, atHour(ahead, current + DAY_AHEAD), hours.length > 0),
    relativeError: dayAhead?.meanError === undefined || !(size > 0) ? undefined : dayAhead.meanError / size,
    historyHours,
  };
}

export function whatIsKnown(record: SignalRecord, now: InstantSeconds): Known {
  const current = hourOf(now);
  const begun = record.slots.filter(({ from }) => from <= now);
  const days = readLastDays(byTheHour(begun, current - HISTORY_HOURS, current + 1));
  let origin = current;
  while (origin > current - HISTORY_HOURS && Number.isNaN(atHour(days.hours, origin))) origin--;
  return { record, days, origin, skills: measureSkills(record, days, origin) };
}

function forecastHour(
  { days, skills, origin }: Known,
  hour: number,
  published: number,
  { spread, hasADay }: { readonly spread: number; readonly hasADay: boolean },
): HourForecast | undefined {
  const from = hour * SECONDS_PER_HOUR;
  const to = from + SECONDS_PER_HOUR;
  // What has begun is measured.
  if (hour <= origin) {
    const value = Number.isNaN(published) ? atHour(days.hours, hour) : published;
    return Number.isNaN(value) ? undefined : { from, to, value, low: value, high: value, deviation: 0 };
  }
  const skill = skillAt(skills, hour - origin);
  if (skill === undefined) return undefined;
  const own = hasADay ? fromLastDays(days, hour, origin, skill.persistence) : Number.NaN;
  const value = blend(published, own, skill.publishedShare);
  if (Number.isNaN(value)) return undefined;
  return {
    from,
    to,
    value,
    low: skill.low === undefined ? undefined : value - (skill.high ?? 0),
    high: skill.high === undefined ? undefined : value - (skill.low ?? 0),
    // A published forecast is taken at its word until it was seen to err; one of our own as no better than a guess.
    deviation: skill.deviation ?? (Number.isNaN(published) ? spread : undefined),
  };
}

function methodOf({ skills }: Known, published: number, isAny: boolean): SignalForecast['method'] {
  if (!isAny) return 'None';
  if (Number.isNaN(published)) return 'LastDays';
  const share = skillAt(skills, DAY_AHEAD)?.publishedShare ?? 1;
  if (share === 1) return 'Published';
  return share === 0 ? 'LastDays' : 'Blended';
}

/** Standard deviation of what is known. */
function spreadOf({ values }: Hours): number {
  const known = values.filter((value) => !Number.isNaN(value));
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length;
  return Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / known.length);
}

function meanSize({ values }: Hours): number {
  const known = values.filter((value) => !Number.isNaN(value));
  return known.reduce((sum, value) => sum + Math.abs(value), 0) / known.length;
}
