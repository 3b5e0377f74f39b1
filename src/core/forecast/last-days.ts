import { atHour, type Hours } from './hours.ts';

/**
 * The forecast where none is published: the same hour of the last seven days, corrected by how far the last hour and the
 * last day lie from theirs,
 *
 *     x̂(t) = m(t) + a·u + b·v
 *
 * with m the mean of the same hour of the last seven days that are known at the origin, u the deviation of the last
 * known hour from its m, and v the mean of such deviations over the last day. a and b are what would have made past
 * forecasts as good as can be, by ordinary least squares; both are 0 until a week of forecasts can be compared.
 */
export interface LastDays {
  readonly hours: Hours;
  /** Deviation of each hour from the same hour of the seven days before. */
  readonly deviations: Float64Array;
  /** Mean of the deviations of the 24 hours up to each. */
  readonly dayDeviations: Float64Array;
}

const DAYS = 7;
const HOURS_PER_DAY = 24;
/** With as many days the highest and the lowest are left out, so that one scarce hour is not expected all week. */
const TRIMMED_FROM = 5;

export function readLastDays(hours: Hours): LastDays {
  const { first, values } = hours;
  const deviations = values.map((value, index) => value - sameHourMean(hours, first + index, first + index - 1));
  const dayDeviations = deviations.map((_, index) =>
    meanKnown(deviations.subarray(Math.max(0, index - HOURS_PER_DAY + 1), index + 1)),
  );
  return { hours, deviations, dayDeviations };
}

/** Mean of the same hour of the last seven days that are known at `origin`; NaN without one. */
export function sameHourMean(hours: Hours, hour: number, origin: number): number {
  const latest = hour - Math.max(1, Math.ceil((hour - origin) / HOURS_PER_DAY)) * HOURS_PER_DAY;
  let sum = 0;
  let count = 0;
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let day = 0; day < DAYS; day++) {
    const value = atHour(hours, latest - day * HOURS_PER_DAY);
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
    if (value < least) least = value;
    if (value > most) most = value;
  }
  return count < TRIMMED_FROM ? sum / count : (sum - least - most) / (count - 2);
}

/** What deviations are worth so many hours later. */
export interface Persistence {
  readonly ofHour: number;
  readonly ofDay: number;
}

const NO_PERSISTENCE: Persistence = { ofHour: 0, ofDay: 0 };
/** A week of forecasts is compared at least: fewer would fit the weather of a day. */
const COMPARED_MIN = 7 * HOURS_PER_DAY;

/** Ordinary least squares over all origins whose target, `lead` hours later, is known by hour `until`. */
export function measurePersistence(days: LastDays, lead: number, until: number): Persistence {
  const { hours } = days;
  let [uu, uv, vv, ue, ve, count] = [0, 0, 0, 0, 0, 0];
  for (let origin = hours.first; origin + lead <= until; origin++) {
    const u = days.deviations[origin - hours.first] ?? Number.NaN;
    const v = days.dayDeviations[origin - hours.first] ?? Number.NaN;
    const error = atHour(hours, origin + lead) - sameHourMean(hours, origin + lead, origin);
    if (Number.isNaN(u + v + error)) continue;
    [uu, uv, vv, ue, ve, count] = [uu + u * u, uv + u * v, vv + v * v, ue + u * error, ve + v * error, count + 1];
  }
  if (count < COMPARED_MIN) return NO_PERSISTENCE;
  const determinant = uu * vv - uv * uv;
  // Deviations that are all alike, or none, tell nothing apart.
  if (!(determinant > 1e-9 * uu * vv)) return NO_PERSISTENCE;
  const ofHour = share((ue * vv - ve * uv) / determinant);
  return { ofHour, ofDay: Math.min(1 - ofHour, share((ve * uu - ue * uv) / determinant)) };
}

/** A deviation may fade; that it grows, or turns into its opposite, is the chance of few weeks. */
const share = (coefficient: number) => Math.min(1, Math.max(0, coefficient));

/** For an hour after `origin`; NaN where none of the days before it is known. */
export function fromLastDays(days: LastDays, hour: number, origin: number, { ofHour, ofDay }: Persistence): number {
  const index = origin - days.hours.first;
  const u = days.deviations[index] ?? Number.NaN;
  const v = days.dayDeviations[index] ?? Number.NaN;
  const correction = Number.isNaN(u + v) ? 0 : ofHour * u + ofDay * v;
  return sameHourMean(days.hours, hour, origin) + correction;
}

function meanKnown(values: Float64Array): number {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    sum += value;
    count++;
  }
  return sum / count;
}
