import type { InstantSeconds } from '../configuration.ts';
import { peakOf } from '../estimate/gpu-peaks.ts';
import type { LogBelief } from '../estimate/memory-belief.ts';
import { figure, money } from '../explain/figures.ts';
import type { RunRecord } from '../profile/run-record.ts';
import { timeRatio } from '../profile/step-time-of-family.ts';
import { type AdvisedPool, type WholeCost, wholeCost } from './capacity-cost.ts';
import { comparableRuns, meanOf, ratioOf } from './compared-runs.ts';
import { type Demand, demandOf, type FamilyRuns, gpuHoursOf, poolOf, togetherOf } from './demand.ts';
import { type Advice, over, rangeInWords, savingInWords, verdictOn, type Withheld } from './verdict.ts';

/** A pool with the demand on it. */
interface Present {
  readonly pool: AdvisedPool;
  readonly cost: WholeCost;
  readonly pools: readonly AdvisedPool[];
  readonly demands: readonly { readonly runs: readonly RunRecord[]; readonly demand: Demand }[];
}

/**
 * Every other pool against each that there is demand on. Of that one only the marginal cost would be saved, as what was
 * paid for it is gone; of the other one the whole counts. What exceeds it stays where it is.
 */
export function adviseHardware(
  pools: readonly AdvisedPool[],
  families: readonly FamilyRuns[],
  now: InstantSeconds,
  restartSeconds: number,
): readonly (Advice | Withheld)[] {
  const inUse = pools.flatMap((pool) => {
    const demands = families.flatMap(({ runs }) => {
      const demand = demandOf(runs, now, (run) => (poolOf(run, pools) === pool ? gpuHoursOf(run, pools) : undefined));
      return demand === undefined ? [] : [{ runs, demand }];
    });
    return demands.length === 0 ? [] : [{ pool, demands }];
  });
  if (inUse.length === 0) {
    const reason = 'no demand is known: two runs of a family at least, with their cost and the pool they ran on';
    return [withheld(pools.map(({ name }) => name).join(', ') || 'no GPUPool', reason)];
  }
  return inUse.flatMap(({ pool, demands }) => {
    const cost = wholeCost(pool, restartSeconds);
    if ('missing' in cost) return [withheld(pool.name, cost.missing)];
    const others = pools.filter((each) => each !== pool && each.currency === pool.currency);
    return others.map((other) => adviseMove({ pool, cost, pools, demands }, other, restartSeconds));
  });
}

function adviseMove(present: Present, to: AdvisedPool, restartSeconds: number): Advice | Withheld {
  const about = `${to.name} instead of ${present.pool.name}`;
  const cost = wholeCost(to, restartSeconds);
  if ('missing' in cost) return withheld(about, `${to.name}: ${cost.missing}`);
  const demand = togetherOf(present.demands.map((each) => each.demand));
  const ratio = hoursRatio(present, to);
  if (demand === undefined || ratio === undefined) {
    return withheld(
      about,
      `how fast ${to.gpuType} is beside ${present.pool.gpuType} is not known: no family ran on both`,
    );
  }
  return move(about, present, { to, cost, demand, ratio });
}

interface Move {
  readonly to: AdvisedPool;
  readonly cost: WholeCost;
  /** GPU-hours a month on the present pool. */
  readonly demand: LogBelief;
  /** GPU-hours on the other one for each of them. */
  readonly ratio: LogBelief;
}

function move(about: string, present: Present, { to, cost, demand, ratio }: Move): Advice {
  const { currency } = to;
  /** GPU-hours a month that the other pool works. */
  const used = (hours: number, factor: number) => Math.min(hours * factor, cost.gpuHoursPerMonth);
  const saving = (hours: number, factor: number) =>
    used(hours, factor) * (present.cost.perGpuHour / factor - cost.perGpuHour) - cost.perMonth;
  const months = (hours: number, factor: number) => {
    const saved = saving(hours, factor);
    return saved > 0 ? cost.upfront / saved : Number.POSITIVE_INFINITY;
  };
  const known = (value: (hours: number, factor: number) => number) =>
    over([demand, ratio], (hours = Number.NaN, factor = Number.NaN) => value(hours, factor));
  const savingPerMonth = known(saving);
  const verdict = verdictOn(known((hours, factor) => saving(hours, factor) * (cost.months ?? 1) - cost.upfront));
  const breakEven =
    cost.upfront > 0
      ? { months: known(months), gpuHours: known((hours, factor) => months(hours, factor) * used(hours, factor)) }
      : undefined;
  const share = Math.min(1, cost.gpuHoursPerMonth / Math.exp(demand.logMean + ratio.logMean));
  return {
    subject: 'Hardware',
    from: present.pool.name,
    to: to.name,
    verdict,
    currency,
    savingPerMonth,
    upfront: cost.upfront,
    breakEven,
    sentence: `${about}, for ${figure(Math.exp(demand.logMean))} GPU-hours a month${
      share < 1 ? `, of which it takes ${Math.floor(share * 100)}%,` : ''
    } is ${verdict.toLowerCase()}: ${savingInWords(savingPerMonth, currency)}${afterUpfront(cost, breakEven, currency)}.`,
  };
}

function afterUpfront({ upfront, months }: WholeCost, breakEven: Advice['breakEven'], currency: string): string {
  if (breakEven === undefined) return '';
  const paid = `; ${money(upfront, currency)} up front`;
  const { months: after, gpuHours } = breakEven;
  if (after.low === Number.POSITIVE_INFINITY) return `${paid} would never come back`;
  const lasts = figure(months ?? Number.NaN);
  return `${paid} come back after ${rangeInWords(after)} months, of ${lasts} that it lasts, or ${rangeInWords(gpuHours)} GPU-hours of its own`;
}

/** GPU-hours on the other pool for one on the present one, weighed by what each family takes. */
function hoursRatio(present: Present, to: AdvisedPool): LogBelief | undefined {
  const each = present.demands.map(({ runs, demand }) => ({
    weight: demand.perMonth,
    ratio: familyRatio(runs, present, to),
  }));
  let [weights, hours, doubt] = [0, 0, 0];
  for (const { weight, ratio } of each) {
    if (ratio === undefined) return undefined;
    const onOther = weight * Math.exp(ratio.logMean);
    weights += weight;
    hours += onOther;
    // Whatever is wrong of the ratio of two GPUs is wrong for all families: doubts add up, and do not cancel.
    doubt += onOther * ratio.logSd;
  }
  return { logMean: Math.log(hours / weights), logSd: doubt / hours };
}

/** By the family's own runs on both types, else by the peaks of the GPUs; undefined where neither tells. */
function familyRatio(
  runs: readonly RunRecord[],
  { pool: from, pools }: Present,
  to: AdvisedPool,
): LogBelief | undefined {
  if (from.gpuType === to.gpuType) return { logMean: 0, logSd: 0 };
  const comparable = comparableRuns(runs);
  const hoursPerSample = (type: string) =>
    meanOf(
      comparable
        .filter(({ gpuType }) => gpuType === type)
        .map((run) => (gpuHoursOf(run, pools) ?? Number.NaN) / run.referenceSamples),
    );
  const [before, after] = [hoursPerSample(from.gpuType), hoursPerSample(to.gpuType)];
  if (before !== undefined && after !== undefined) return ratioOf(after, before);
  const [fromPeak, toPeak] = [peakOf(from.gpuType), peakOf(to.gpuType)];
  if (fromPeak === undefined || toPeak === undefined) return undefined;
  const { log, logSd } = timeRatio(fromPeak, toPeak, undefined);
  return { logMean: log, logSd };
}

function withheld(about: string, reason: string): Withheld {
  return { subject: 'Hardware', about, reason };
}
