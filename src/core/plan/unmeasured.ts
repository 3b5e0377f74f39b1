import type { InstantSeconds } from '../configuration.ts';
import { duration, percent } from '../explain/figures.ts';
import { ratePerHour, SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolHour, PoolSnapshot } from '../snapshot.ts';
import { type AllowedHours, allowedHours, exclusionAt } from './allowed-hours.ts';
import { waitOutside } from './by-the-hour.ts';

/** Prices repeat by the day: a start is not put off further for what may come later. */
const LONGEST_WAIT_SECONDS = 24 * SECONDS_PER_HOUR;

/** What a job waits for of which nothing has been measured. */
export interface Wait {
  readonly message: string;
  readonly until: InstantSeconds | undefined;
}

/**
 * Whether a job that was never started, or is paused and was never measured, waits for better hours. Its length is not
 * known: one with a deadline runs first, and waits once it has been measured. Beside excluded hours it is only the first
 * hour that is judged, since after that it is planned by what was measured.
 */
export function waitUnmeasured(job: JobSnapshot, pool: PoolSnapshot, now: InstantSeconds): Wait | undefined {
  const { limits, history } = job;
  const { eco } = limits;
  const allowed = allowedHours(limits, pool, now);
  if (eco === undefined || allowed === undefined || !limits.canPause || mustHurry(job)) return undefined;
  const most = eco.maxDelaySeconds ?? Number.POSITIVE_INFINITY;
  const latest = (history.pausedSince ?? now) + most - (history.pausedSeconds ?? 0);
  const excluded = exclusionAt(allowed, now);
  if (excluded !== undefined) {
    if ((excluded.until ?? now) > latest) return undefined;
    return {
      message: `${waitOutside(excluded.until, now)}: windows or limits exclude this hour`,
      until: excluded.until,
    };
  }
  return eco.followsPrices ? cheaperStart(job, pool, allowed, { now, latest }) : undefined;
}

/**
 * Where nothing but excluded hours speaks for running now, `Require` keeps a job out of them, whatever it costs and
 * whether or not it can be judged. One that has a deadline is planned by it.
 */
export function staysOut(job: JobSnapshot, pool: PoolSnapshot, now: InstantSeconds): Wait | undefined {
  const { eco, mode } = job.limits;
  if (eco?.mode !== 'Require' || mode !== 'Auto') return undefined;
  const allowed = allowedHours(job.limits, pool, now);
  const isExcluded = allowed !== undefined && exclusionAt(allowed, now) !== undefined;
  return isExcluded ? waitUnmeasured(job, pool, now) : undefined;
}

/** Nobody knows how long it takes, and it has to be done by a time. */
function mustHurry({ limits }: JobSnapshot): boolean {
  return limits.deadline !== undefined && limits.eco?.mayMissDeadline !== true;
}

function cheaperStart(
  job: JobSnapshot,
  pool: PoolSnapshot,
  { hours, isExcluded }: AllowedHours,
  { now, latest }: { readonly now: InstantSeconds; readonly latest: InstantSeconds },
): Wait | undefined {
  const here = hours.find(({ from, to }) => from <= now && now < to);
  const atOnce = here === undefined ? undefined : ratePerHourIn(job, pool, here);
  if (atOnce === undefined || !(atOnce > 0)) return undefined;
  const end = Math.min(latest, (job.history.pausedSince ?? now) + LONGEST_WAIT_SECONDS);
  let best: { readonly from: InstantSeconds; readonly rate: number } | undefined;
  hours.forEach((hour, index) => {
    const rate = ratePerHourIn(job, pool, hour);
    if (rate === undefined || isExcluded[index] === true || hour.from <= now || hour.from > end) return;
    if (best === undefined || rate < best.rate) best = { from: hour.from, rate };
  });
  if (best === undefined || 1 - best.rate / atOnce < job.limits.minimumGainFraction) return undefined;
  const saving = percent(1 - best.rate / atOnce);
  return { message: `starts in ${duration(best.from - now)}, when an hour costs ${saving} less`, until: best.from };
}

/** Currency, at the size that the user asked to start with; undefined where a price is not known. */
function ratePerHourIn({ limits }: JobSnapshot, pool: PoolSnapshot, hour: PoolHour): number | undefined {
  const { initialReplicas, gpusPerReplica, eco } = limits;
  const kilowatts = initialReplicas * gpusPerReplica * (pool.kilowattsPerGpu ?? 0);
  const carbonPrice = eco?.carbonPricePerKilogram ?? 0;
  // A price of carbon that cannot be told leaves the hour unknown; without one, carbon does not matter.
  const carbon = carbonPrice === 0 ? 0 : carbonPrice * (hour.kgCo2ePerKwh ?? Number.NaN);
  const rent = ratePerHour(pool, initialReplicas, gpusPerReplica) * (hour.rentFactor ?? 1);
  const rate = rent + kilowatts * ((hour.moneyPerKwh ?? Number.NaN) + carbon);
  return Number.isFinite(rate) ? rate : undefined;
}
