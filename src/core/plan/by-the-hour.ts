import type { Configuration, InstantSeconds } from '../configuration.ts';
import { duration, money, percent } from '../explain/figures.ts';
import type { HoldReason } from '../guard/question.ts';
import { resizedTooOften, resizedTooRecently } from '../guard/worth.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import type { Ranking } from './choose.ts';
import { startSeconds } from './evaluate.ts';
import type { Candidate } from './judge.ts';
import type { Schedule } from './schedule.ts';

/** What the hours ask for. */
export interface HourlyChange {
  readonly action: 'Pause' | 'Resize' | 'Resume' | 'Hold';
  readonly reason:
    | 'CheaperHours'
    | 'OutsideHours'
    | 'NoReasonToWait'
    | Extract<HoldReason, 'WaitingForHours' | 'StockOut' | 'PoolFull'>;
  readonly message: string;
  /** The one in force, or the one to go on with when a pause is over, where nothing else is to be run. */
  readonly target: Configuration;
  readonly until: InstantSeconds | undefined;
}

export interface HourlyQuestion {
  readonly now: InstantSeconds;
  readonly ranking: Ranking;
  readonly pool: PoolSnapshot;
  /** Undefined where the hours say nothing. */
  readonly schedule: Schedule | undefined;
  /** GPUs of the pool that this job may have, its own included. */
  readonly availableGpus: number;
}

/** A change of workers costs so many times the gain that a pause has to bring: what it rests on is a model of speed. */
const RESIZE_GAIN_FACTOR = 2;

/** A job that runs pauses, or changes its workers, when that saves enough and the last change is long enough ago. */
export function changeForTheHour(question: HourlyQuestion): HourlyChange | undefined {
  const { now, ranking, pool, schedule } = question;
  const { job, current } = ranking;
  if (schedule === undefined || schedule.candidate === current) return undefined;
  if (schedule.candidate === undefined && schedule.isExcludedNow && job.limits.eco?.mode === 'Require') {
    return pauseOutside(job, schedule.until, now);
  }
  if (!savesEnough(job, schedule)) return undefined;
  if (resizedTooRecently(job, startSeconds(job, pool), now) !== undefined) return undefined;
  if (resizedTooOften(job, now) !== undefined) return undefined;
  if (schedule.candidate === undefined) return pauseForHours(job, schedule, pool, now);
  const target = schedule.candidate.score.configuration;
  if (target.replicas > job.history.current.replicas && cannotHave(question, target) !== undefined) return undefined;
  const message = `${job.history.current.replicas}→${target.replicas} workers in these hours: saves ${amountsOf(schedule, pool)}`;
  return { action: 'Resize', reason: 'CheaperHours', message, target, until: schedule.until };
}

function pauseForHours(
  job: JobSnapshot,
  schedule: Schedule,
  pool: PoolSnapshot,
  now: InstantSeconds,
): HourlyChange | undefined {
  const { until = now } = schedule;
  // What is over sooner than the next change is allowed is no rest.
  if (until - now < job.limits.cooldownSeconds) return undefined;
  if (schedule.isExcludedNow) return pauseOutside(job, until, now);
  const message = `pauses for ${duration(until - now)} until hours that cost less: saves ${amountsOf(schedule, pool)}`;
  return { action: 'Pause', reason: 'CheaperHours', message, target: job.history.current, until };
}

function savesEnough(job: JobSnapshot, { candidate, cost, costAtOnce }: Schedule): boolean {
  const wanted = job.limits.minimumGainFraction * (candidate === undefined ? 1 : RESIZE_GAIN_FACTOR);
  return costAtOnce > 0 && 1 - cost / costAtOnce >= wanted;
}

function amountsOf({ amount, amountAtOnce }: Schedule, { currency }: PoolSnapshot): string {
  const saving = percent(1 - amount / amountAtOnce);
  return `${saving} of what the rest costs (${money(amountAtOnce, currency)}→${money(amount, currency)})`;
}

/** A pause because windows or limits exclude this hour. */
export function pauseOutside(job: JobSnapshot, until: InstantSeconds | undefined, now: InstantSeconds): HourlyChange {
  const message = `${waitOutside(until, now)}: windows or limits exclude this hour`;
  return { action: 'Pause', reason: 'OutsideHours', message, target: job.history.current, until };
}

/** How long a job that is outside its hours has to wait. */
export function waitOutside(until: InstantSeconds | undefined, now: InstantSeconds): string {
  return until === undefined ? 'waits for hours that are not known yet' : `waits for ${duration(until - now)}`;
}

/** A paused job waits while the hours say so; whatever keeps them from saying it lets the job go on. */
export function changeOfPaused(question: HourlyQuestion): HourlyChange {
  const { now, ranking, schedule } = question;
  const { job, ranked } = ranking;
  const { current } = job.history;
  const mayWait = schedule !== undefined && job.limits.canPause;
  if (mayWait && schedule.candidate === undefined) {
    const { until } = schedule;
    const what = schedule.isExcludedNow ? 'until windows and limits let it run' : 'until hours that cost less';
    const message = `paused for another ${duration((until ?? now) - now)} ${what}`;
    return { action: 'Hold', reason: 'WaitingForHours', message, target: current, until };
  }
  const wanted = schedule?.candidate ?? ranked[0];
  const target = firstThatFits(question, wanted);
  if (target === undefined) {
    const why = cannotHave(question, wanted?.score.configuration ?? current);
    return { action: 'Hold', ...(why ?? fullOf(question, current)), target: current };
  }
  const why = mayWait
    ? 'by the hours and the deadline this is the time'
    : 'nothing that is known of the hours and the deadline is a reason to wait';
  const on = `${target.replicas} worker${target.replicas === 1 ? '' : 's'}`;
  const reason = mayWait ? 'CheaperHours' : 'NoReasonToWait';
  return { action: 'Resume', reason, message: `goes on, on ${on}: ${why}`, target, until: undefined };
}

function firstThatFits(question: HourlyQuestion, wanted: Candidate | undefined): Configuration | undefined {
  const all = wanted === undefined ? question.ranking.ranked : [wanted, ...question.ranking.ranked];
  return all.find(({ score }) => cannotHave(question, score.configuration) === undefined)?.score.configuration;
}

type Missing = Pick<HourlyChange, 'reason' | 'message' | 'until'> & { readonly reason: 'StockOut' | 'PoolFull' };

function cannotHave(question: HourlyQuestion, target: Configuration): Missing | undefined {
  const { now, ranking, pool, availableGpus } = question;
  const { stockOutUntil } = pool;
  if (stockOutUntil !== undefined && stockOutUntil > now) {
    const message = `pool ${pool.name} could not deliver nodes; it is asked again in ${duration(stockOutUntil - now)}`;
    return { reason: 'StockOut', message, until: stockOutUntil };
  }
  const gpus = target.replicas * ranking.job.limits.gpusPerReplica;
  return gpus <= availableGpus ? undefined : fullOf(question, target);
}

function fullOf({ ranking, pool, availableGpus }: HourlyQuestion, { replicas }: Configuration): Missing {
  const gpus = replicas * ranking.job.limits.gpusPerReplica;
  const message = `${gpus} GPUs are wanted, pool ${pool.name} has ${Math.max(0, availableGpus)} for this job`;
  return { reason: 'PoolFull', message, until: undefined };
}
