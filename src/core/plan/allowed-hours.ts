import type { InstantSeconds } from '../configuration.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { EcoLimits, JobLimits, PoolHour, PoolSnapshot } from '../snapshot.ts';
import { openStretches, type Stretch, type WeeklyHours } from './weekly-hours.ts';

/** A signal that a limit is set on. */
export type LimitedSignal = 'price' | 'carbon intensity' | 'renewable share';

/** The hours of a pool as one job may use them. */
export interface AllowedHours {
  /** Cut so that each is excluded as a whole, or not at all. */
  readonly hours: readonly PoolHour[];
  /** By hour. */
  readonly isExcluded: readonly boolean[];
  /** Signals with a limit that some hour does not tell: it is not excluded for that. */
  readonly unknown: readonly LimitedSignal[];
}

/** Windows are looked up for so long where no hours are known: the week that they repeat in. */
const HORIZON_SECONDS = 7 * 24 * SECONDS_PER_HOUR;

/** Undefined where there is nothing to choose by: neither hours nor windows. The same object for the same data. */
export function allowedHours(limits: JobLimits, pool: PoolSnapshot, now: InstantSeconds): AllowedHours | undefined {
  const { eco } = limits;
  const { hours } = pool;
  if (eco === undefined || !limits.canPause) {
    return hours === undefined || hours.length === 0 ? undefined : inFull(hours);
  }
  const known = hours === undefined || hours.length === 0 ? blankHours(now) : hours;
  if (known !== hours && !hasWindows(eco)) return undefined;
  if (known === hours && !eco.followsPrices && !hasExclusions(eco)) return undefined;
  const key = JSON.stringify(eco);
  const byLimits = cut.get(known) ?? new Map<string, AllowedHours>();
  cut.set(known, byLimits);
  const before = byLimits.get(key);
  if (before !== undefined) return before;
  const made = cutHours(eco, known);
  byLimits.set(key, made);
  return made;
}

/** Whether an instant is excluded, and until when; undefined `until` is beyond what is known. */
export function exclusionAt(
  { hours, isExcluded }: AllowedHours,
  now: InstantSeconds,
): { readonly until: InstantSeconds | undefined } | undefined {
  const here = hours.findIndex(({ from, to }) => from <= now && now < to);
  if (here < 0 || isExcluded[here] !== true) return undefined;
  const next = hours.findIndex((_, index) => index > here && isExcluded[index] === false);
  return { until: hours[next]?.from };
}

const cut = new WeakMap<readonly PoolHour[], Map<string, AllowedHours>>();
const full = new WeakMap<readonly PoolHour[], AllowedHours>();

function inFull(hours: readonly PoolHour[]): AllowedHours {
  const known = full.get(hours) ?? { hours, isExcluded: hours.map(() => false), unknown: [] };
  full.set(hours, known);
  return known;
}

function hasExclusions(eco: EcoLimits): boolean {
  const { maxPricePerKwh, maxKgCo2ePerKwh, minRenewableShare } = eco;
  return hasWindows(eco) || [maxPricePerKwh, maxKgCo2ePerKwh, minRenewableShare].some((limit) => limit !== undefined);
}

function hasWindows({ allowed, forbidden }: EcoLimits): boolean {
  return allowed !== undefined || forbidden !== undefined;
}

/** One stretch of which nothing is known but the time; begun with the hour, so that it lasts for one. */
function blankHours(now: InstantSeconds): readonly PoolHour[] {
  const from = Math.floor(now / SECONDS_PER_HOUR) * SECONDS_PER_HOUR;
  if (blank?.[0]?.from !== from) {
    blank = [unknownHour(from, from + HORIZON_SECONDS)];
  }
  return blank;
}

let blank: readonly PoolHour[] | undefined;

function cutHours(eco: EcoLimits, known: readonly PoolHour[]): AllowedHours {
  const from = known[0]?.from ?? 0;
  const end = known.at(-1)?.to ?? from;
  // Windows go on where forecasts end.
  const to = hasWindows(eco) ? Math.max(end, from + HORIZON_SECONDS) : end;
  const hours = to > end ? [...known, unknownHour(end, to)] : known;
  const within = (weekly: WeeklyHours | undefined) =>
    weekly === undefined ? undefined : openStretches(weekly, from, to);
  const open = within(eco.allowed);
  const closed = within(eco.forbidden) ?? [];
  const edges = [...(open ?? []), ...closed].flatMap((stretch) => [stretch.from, stretch.to]);
  const pieces = hours.flatMap((hour) => cutAt(hour, edges));
  const unknown = new Set<LimitedSignal>();
  const isExcluded = pieces.map((piece) => {
    const outside = open !== undefined && !holds(open, piece);
    return outside || holds(closed, piece) || breaksLimit(eco, piece, unknown);
  });
  return {
    hours: eco.followsPrices ? pieces : pieces.map((piece) => unknownHour(piece.from, piece.to)),
    isExcluded,
    unknown: [...unknown],
  };
}

function cutAt(hour: PoolHour, edges: readonly InstantSeconds[]): PoolHour[] {
  const inside = [...new Set(edges.filter((edge) => edge > hour.from && edge < hour.to))].sort((a, b) => a - b);
  const bounds = [hour.from, ...inside, hour.to];
  return bounds.slice(1).map((to, index) => ({ ...hour, from: bounds[index] ?? hour.from, to }));
}

const holds = (stretches: readonly Stretch[], piece: Stretch) =>
  stretches.some(({ from, to }) => from <= piece.from && piece.to <= to);

function unknownHour(from: InstantSeconds, to: InstantSeconds): PoolHour {
  return { from, to, moneyPerKwh: undefined, rentFactor: undefined, relativeError: undefined };
}

/** A signal that is not known breaks no limit. */
function breaksLimit(eco: EcoLimits, hour: PoolHour, unknown: Set<LimitedSignal>): boolean {
  const breaks = (signal: LimitedSignal, value: number | undefined, isBeyond: (known: number) => boolean) => {
    if (value !== undefined && Number.isFinite(value)) return isBeyond(value);
    unknown.add(signal);
    return false;
  };
  const { maxPricePerKwh, maxKgCo2ePerKwh, minRenewableShare } = eco;
  const price = hour.marketPricePerKwh ?? hour.moneyPerKwh;
  const isDear = maxPricePerKwh !== undefined && breaks('price', price, (known) => known > maxPricePerKwh);
  const isDirty =
    maxKgCo2ePerKwh !== undefined && breaks('carbon intensity', hour.kgCo2ePerKwh, (known) => known > maxKgCo2ePerKwh);
  const isFossil =
    minRenewableShare !== undefined &&
    breaks('renewable share', hour.renewableShare, (known) => known < minRenewableShare);
  return isDear || isDirty || isFossil;
}
