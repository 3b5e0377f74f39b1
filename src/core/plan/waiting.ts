import type { InstantSeconds } from '../configuration.ts';
import { SECONDS_PER_HOUR } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolHour } from '../snapshot.ts';
import type { AllowedHours } from './allowed-hours.ts';
import type { Run } from './slot-runs.ts';
import type { Forecast, Scarcity } from './slot-table.ts';
import type { SlotQuestion } from './slots.ts';

/** What bounds and prices the waiting of one job, in the terms of `planSlots`. */

/**
 * Currency per second. Where a job may wait and nothing says how long, waiting for an hour has to save as large a share
 * of what an hour costs as any change has to of what is left: else a week is waited for little.
 */
export function patienceOf(
  { limits }: JobSnapshot,
  { timeValuePerSecond, levels, carbonPrice }: SlotQuestion,
  inForce: number,
  { moneyPerKwh, kgCo2ePerKwh, rentFactor }: Forecast,
): number {
  const mayMiss = limits.eco?.mayMissDeadline === true;
  const isBounded = (limits.deadline !== undefined && !mayMiss) || limits.eco?.maxDelaySeconds !== undefined;
  const level = levels[inForce];
  if (limits.eco === undefined || isBounded || level === undefined) return timeValuePerSecond;
  const mean = (moneyPerKwh.at(-1) ?? 0) + carbonPrice * (kgCo2ePerKwh.at(-1) ?? 0);
  const rate = level.rentPerSecond * (rentFactor.at(-1) ?? 1) + (level.kilowatts * mean) / SECONDS_PER_HOUR;
  return Math.max(timeValuePerSecond, limits.minimumGainFraction * rate);
}

/** By the deadline, and no later than the longest delay allows. */
export function latestEnd(
  { limits, history }: JobSnapshot,
  now: InstantSeconds,
  seconds: number,
): InstantSeconds | undefined {
  const { eco } = limits;
  const deadline = eco?.mayMissDeadline === true ? undefined : limits.deadline;
  if (eco?.maxDelaySeconds === undefined) return deadline;
  const delayLeft = Math.max(0, eco.maxDelaySeconds - (history.pausedSeconds ?? 0));
  return Math.min(deadline ?? Number.POSITIVE_INFINITY, (history.pausedSince ?? now) + delayLeft + seconds);
}

/** Those that excluded hours need are not counted. */
export function pausesLeft({ limits, history }: JobSnapshot, { isExcluded }: AllowedHours): number {
  const { eco, canPause } = limits;
  if (!canPause) return 0;
  if (eco === undefined) return Number.POSITIVE_INFINITY;
  const stretches = isExcluded.filter((excluded, index) => excluded && isExcluded[index - 1] !== true).length;
  const needed = eco.mode === 'Require' ? stretches : 0;
  return Math.max(0, eco.maxPauses - (history.pauses ?? 0)) + needed;
}

/** An excluded hour is one in which nothing is free: it costs so many times what the dearest does. */
const EXCLUDED_FACTOR = 100;

export function scarcityOf(
  { levels, carbonPrice }: SlotQuestion,
  { hours, isExcluded }: AllowedHours,
  { edge, moneyPerKwh, kgCo2ePerKwh, rentFactor }: Forecast,
): Scarcity | undefined {
  if (!isExcluded.includes(true)) return undefined;
  const dearest = Math.max(
    ...moneyPerKwh.map((money, index) => Math.abs(money + carbonPrice * (kgCo2ePerKwh[index] ?? 0))),
  );
  const rent = Math.max(...rentFactor);
  const rates = levels.map((level) => level.rentPerSecond * rent + (level.kilowatts * dearest) / SECONDS_PER_HOUR);
  const free = Float64Array.from(edge, (instant) => {
    const index = hours.findIndex(({ from, to }) => from <= instant && instant < to);
    return isExcluded[index] === true ? 0 : 1;
  });
  // Where running costs nothing, a second in an excluded hour still costs something.
  const blockedRate = EXCLUDED_FACTOR * Math.max(...rates, 1 / SECONDS_PER_HOUR);
  const price = new Float64Array(edge.length);
  // What comes after is as likely to be excluded as what is known: nothing is put off until then.
  price[edge.length - 1] = blockedRate * excludedShare(hours, isExcluded);
  return { price, free, blockedRate };
}

function excludedShare(hours: readonly PoolHour[], isExcluded: readonly boolean[]): number {
  const seconds = hours.map(({ from, to }) => to - from);
  const all = seconds.reduce((sum, each) => sum + each, 0);
  return seconds.reduce((sum, each, index) => sum + (isExcluded[index] === true ? each : 0), 0) / all;
}

export function excludedSecondsOf(runs: readonly Run[], { hours, isExcluded }: AllowedHours): number {
  let seconds = 0;
  hours.forEach((hour, index) => {
    if (isExcluded[index] !== true) return;
    for (const { from, to } of runs) seconds += Math.max(0, Math.min(to, hour.to) - Math.max(from, hour.from));
  });
  return seconds;
}
