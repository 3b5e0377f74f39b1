import { globalBatchSize, sameBatch, samePlacement } from '../configuration.ts';
import { duration, figure, percent } from '../explain/figures.ts';
import { pauseSeconds } from '../plan/evaluate.ts';
import type { JobSnapshot } from '../snapshot.ts';
import type { Guard, Hold, PlanQuestion } from './question.ts';

/** Share of the work at the end in which nothing is changed unless the deadline asks for it. */
const UNTOUCHED_END_SHARE = 0.02;
const RESTART_MULTIPLE = 10;
const YIELD_FACTOR = 1.5;
/** A resize interrupts the run and cannot be tried, so it has to bring so many times what a reload has to. */
const RESIZE_GAIN_FACTOR = 2;

function atOptimum({ plan }: PlanQuestion): Hold | undefined {
  const { current, best } = plan;
  const same =
    samePlacement(current.configuration, best.configuration) && sameBatch(current.configuration, best.configuration);
  if (!same) return undefined;
  return {
    reason: 'AtOptimum',
    message: `${describeBatch(plan)} is the cheapest of the configurations allowed`,
  };
}

/** The pool has not enough for all, and the others' need is greater. */
function othersNeedMore({ job, plan, pool }: PlanQuestion): Hold | undefined {
  const { current, best, contest } = plan;
  if (contest === undefined || !samePlacement(current.configuration, best.configuration)) return undefined;
  const wanted = contest.wanted.replicas * job.limits.gpusPerReplica;
  if (contest.wanted.replicas <= current.configuration.replicas) return undefined;
  if (!sameBatch(current.configuration, best.configuration)) return undefined;
  const left = contest.share.replicas * job.limits.gpusPerReplica;
  return {
    reason: 'PoolFull',
    message: `${wanted} GPUs are wanted, pool ${pool.name} has ${left} for this job; the others are worth more elsewhere`,
  };
}

function belowMinimumGain({ job, plan }: PlanQuestion): Hold | undefined {
  if (rescuesDeadline(plan) || rescuesBudget(plan)) return undefined;
  if (yields(plan)) return yieldsTooMuch({ job, plan });
  const reloads = samePlacement(plan.current.configuration, plan.best.configuration);
  const wanted = job.limits.minimumGainFraction * (reloads ? 1 : RESIZE_GAIN_FACTOR);
  // A reload costs nothing and is taken back as cheaply once measured, so the mean decides, which has the worlds in
  // which it loses; asking more would forbid the very step that tells overhead from work per sample.
  const surely = reloads || plan.cautiousSavingFraction > 0;
  if (plan.savingFraction >= wanted && surely) return undefined;
  return {
    reason: 'BelowMinimumGain',
    message:
      plan.savingFraction < wanted
        ? `the best alternative saves ${percent(plan.savingFraction)}, less than the ${percent(wanted)} asked for`
        : `the best alternative saves ${percent(plan.savingFraction)}, but not surely enough yet`,
  };
}

/** GPUs are given up when the others gain clearly more by them than it costs to go without. */
function yieldsTooMuch({ job, plan }: Pick<PlanQuestion, 'job' | 'plan'>): Hold | undefined {
  const { current, best, contest } = plan;
  const gpus = (current.configuration.replicas - best.configuration.replicas) * job.limits.gpusPerReplica;
  if (current.keepsBudget && !best.keepsBudget) {
    const message = `${gpus} GPUs are worth more elsewhere, but without them the run would exceed its budget`;
    return { reason: 'BelowMinimumGain', message };
  }
  const worth = gpus * (contest?.share.worthPerGpu ?? 0);
  const loss = Math.max(0, best.meanObjectiveWithLateness - current.meanObjectiveWithLateness);
  if (worth >= YIELD_FACTOR * loss) return undefined;
  return {
    reason: 'BelowMinimumGain',
    message: `${gpus} GPUs would save other jobs ${figure(worth)} and cost this one ${figure(loss)}, too little to move them`,
  };
}

function nearlyDone({ job, estimate, plan }: PlanQuestion): Hold | undefined {
  if (rescuesDeadline(plan) || estimate.remainingWork === 'Assumed') return undefined;
  const left = estimate.remainingReferenceSamples.value;
  const done = job.evidence.progress.referenceSamples;
  if (left > UNTOUCHED_END_SHARE * (left + done)) return undefined;
  return { reason: 'NearlyDone', message: `only ${percent(left / (left + done))} of the work is left` };
}

function reloadNotAcked({ job, plan, now }: PlanQuestion): Hold | undefined {
  const since = job.history.unacknowledgedSince;
  if (since === undefined || !changesBatch(plan)) return undefined;
  return {
    reason: 'ReloadNotAcked',
    message: `the trainer has not acknowledged a batch change for ${duration(now - since)}; the batch is left alone until it does`,
  };
}

function batchCooldown({ job, plan, now }: PlanQuestion): Hold | undefined {
  if (!changesBatch(plan)) return undefined;
  return within('batch change', job.history.lastReloadAt, job.limits.batchCooldownSeconds, now);
}

function resizeCooldown({ job, plan, pool, now }: PlanQuestion): Hold | undefined {
  if (samePlacement(plan.best.configuration, plan.current.configuration)) return undefined;
  // A deadline in danger does not wait for restarts to pay, nor does time that is worth it: a step up has paid for its
  // own restart, and a wrong one is taken back no sooner than that.
  const restart = rescuesDeadline(plan) || grows(plan) ? 0 : pauseSeconds(job, pool, plan.best.configuration);
  return resizedTooRecently(job, restart, now);
}

/** A resize that costs so many seconds has to wait until the last one has paid. */
export function resizedTooRecently({ limits, history }: JobSnapshot, restart: number, now: number): Hold | undefined {
  const { cooldownSeconds } = limits;
  const pays = Math.min(RESTART_MULTIPLE * restart, RESTART_MULTIPLE * cooldownSeconds);
  return within('resize', history.lastResizeAt, Math.max(cooldownSeconds, pays), now);
}

function rescaleRateLimited({ job, plan, now }: PlanQuestion): Hold | undefined {
  if (samePlacement(plan.best.configuration, plan.current.configuration)) return undefined;
  return resizedTooOften(job, now);
}

export function resizedTooOften(job: JobSnapshot, now: number): Hold | undefined {
  const lastHour = job.history.resizedAt.filter((instant) => instant > now - 3600);
  const most = job.limits.maxRescalesPerHour;
  const oldest = lastHour[0];
  if (lastHour.length < most || oldest === undefined) return undefined;
  return {
    reason: 'RescaleRateLimited',
    message: `${lastHour.length} resizes in the last hour, the limit is ${most}`,
    until: oldest + 3600,
  };
}

function stockOut({ job, plan, pool, now }: PlanQuestion): Hold | undefined {
  if (plan.best.configuration.replicas <= job.history.current.replicas) return undefined;
  if (pool.stockOutUntil === undefined || pool.stockOutUntil <= now) return undefined;
  return {
    reason: 'StockOut',
    message: `pool ${pool.name} could not deliver nodes; it is asked again in ${duration(pool.stockOutUntil - now)}`,
    until: pool.stockOutUntil,
  };
}

function poolFull({ job, plan, pool, availableGpus }: PlanQuestion): Hold | undefined {
  const { replicas } = plan.best.configuration;
  const wanted = replicas * job.limits.gpusPerReplica;
  if (wanted === 0 || replicas <= job.history.current.replicas || wanted <= availableGpus) return undefined;
  return {
    reason: 'PoolFull',
    message: `${wanted} GPUs are wanted, pool ${pool.name} has ${Math.max(0, availableGpus)} for this job`,
  };
}

/** True when the trainer would learn with another batch; the split of one global batch over other workers is none. */
export function changesBatch({ current, best }: PlanQuestion['plan']): boolean {
  return samePlacement(current.configuration, best.configuration)
    ? !sameBatch(current.configuration, best.configuration)
    : globalBatchSize(current.configuration) !== globalBatchSize(best.configuration);
}

/** A plan that gives GPUs up because other jobs need them more. */
export function yields({ current, best, contest }: PlanQuestion['plan']): boolean {
  return contest !== undefined && best.configuration.replicas < current.configuration.replicas;
}

/** A plan that turns a missed deadline into a met one, or comes much nearer to it, need not save money. */
export function rescuesDeadline(plan: PlanQuestion['plan']): boolean {
  const { current, best } = plan;
  return !current.meetsDeadline && best.meanSecondsToTarget < 0.95 * current.meanSecondsToTarget;
}

/** The same of a budget. */
export function rescuesBudget({ current, best }: PlanQuestion['plan']): boolean {
  return !current.keepsBudget && best.meanCostToTarget < 0.95 * current.meanCostToTarget;
}

function grows({ current, best }: PlanQuestion['plan']): boolean {
  return best.configuration.replicas > current.configuration.replicas;
}

function within(what: string, last: number | undefined, seconds: number, now: number): Hold | undefined {
  if (last === undefined || now >= last + seconds) return undefined;
  return {
    reason: 'StabilizationWindow',
    message: `the last ${what} was ${duration(now - last)} ago; the next is allowed in ${duration(last + seconds - now)}`,
    until: last + seconds,
  };
}

function describeBatch(plan: PlanQuestion['plan']): string {
  const { configuration } = plan.current;
  return `global batch ${globalBatchSize(configuration)} on ${configuration.replicas} worker${configuration.replicas === 1 ? '' : 's'}`;
}

/** Vetoes of a plan, in the order they are asked. */
export const WORTH_GUARDS: readonly Guard<PlanQuestion>[] = [
  othersNeedMore,
  atOptimum,
  belowMinimumGain,
  nearlyDone,
  reloadNotAcked,
  batchCooldown,
  resizeCooldown,
  rescaleRateLimited,
  stockOut,
  poolFull,
];
