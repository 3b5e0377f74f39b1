import type { InstantSeconds } from '../configuration.ts';
import type { LogBelief } from '../estimate/memory-belief.ts';
import type { RunRecord } from '../profile/run-record.ts';
import { type AdvisedPool, chargePerGpuHour, SECONDS_PER_MONTH } from './capacity-cost.ts';

export interface FamilyRuns {
  readonly family: string;
  readonly runs: readonly RunRecord[];
}

/** Something that runs take, by the month. */
export interface Demand {
  readonly perMonth: number;
  /** Square of the standard deviation as a share of it. */
  readonly relativeVariance: number;
}

/**
 * What the runs of one family take a month, from the start of the first of them until now. That one opens the window and
 * is not counted: a window that begins with a run would hold too many. Runs come at random (compound Poisson), so the
 * relative variance of their sum is Σx²/(Σx)².
 *
 * @param amountOf what one run takes; undefined and what is not above 0 is not counted
 * @returns undefined where nothing is left to count
 */
export function demandOf(
  runs: readonly RunRecord[],
  now: InstantSeconds,
  amountOf: (run: RunRecord) => number | undefined,
): Demand | undefined {
  const [first, ...later] = runs.toSorted((one, other) => startOf(one) - startOf(other));
  if (first === undefined) return undefined;
  const amounts = later.flatMap((run) => amountOf(run) ?? []).filter((each) => Number.isFinite(each) && each > 0);
  const months = (now - startOf(first)) / SECONDS_PER_MONTH;
  if (amounts.length === 0 || !(months > 0)) return undefined;
  const sum = amounts.reduce((total, each) => total + each, 0);
  const squares = amounts.reduce((total, each) => total + each ** 2, 0);
  return { perMonth: sum / months, relativeVariance: squares / sum ** 2 };
}

/** The demand of several families, which come and go independently; undefined without any. */
export function togetherOf(demands: readonly Demand[]): LogBelief | undefined {
  const total = demands.reduce((sum, { perMonth }) => sum + perMonth, 0);
  if (!(total > 0)) return undefined;
  const variance = demands.reduce((sum, each) => sum + each.perMonth ** 2 * each.relativeVariance, 0);
  return { logMean: Math.log(total), logSd: Math.sqrt(Math.log1p(variance / total ** 2)) };
}

function startOf({ endedAt, seconds }: RunRecord): InstantSeconds {
  return endedAt - seconds;
}

/** The pool that a run was charged by: the one it names, else the only one of its type. Undefined where that is open. */
export function poolOf({ pool, gpuType, currency }: RunRecord, pools: readonly AdvisedPool[]): AdvisedPool | undefined {
  const ofType = pools.filter((each) => each.gpuType === gpuType && each.currency === currency);
  if (pool !== undefined) return ofType.find(({ name }) => name === pool);
  return ofType.length === 1 ? ofType[0] : undefined;
}

/** GPU-hours of a run: what it was charged over what a GPU-hour is. Undefined where the pool or its charge is not known. */
export function gpuHoursOf(run: RunRecord, pools: readonly AdvisedPool[]): number | undefined {
  const pool = poolOf(run, pools);
  const charge = pool === undefined ? undefined : chargePerGpuHour(pool);
  return charge !== undefined && charge > 0 ? run.cost / charge : undefined;
}
