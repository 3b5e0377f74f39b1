import type { Evidence } from '../estimate/evidence.ts';
import { isPlausible } from '../estimate/reading.ts';
import { duration } from '../explain/figures.ts';
import type { Guard, Hold, Question } from './question.ts';

/** Readings needed under one configuration before it is judged: the first is its warm-up and is not timed. */
const MIN_CLEAN_READINGS = 3;
/** One timed reading is enough when it is the mean of so many steps. */
const MIN_CLEAN_READINGS_OF_MANY_STEPS = 2;
const MANY_STEPS = 100;

export function heldByUser({ job, now }: Question): Hold | undefined {
  const { held } = job;
  if (held.everything) return { reason: 'HeldByUser', message: 'paused by annotation stepwise.dev/paused' };
  if (held.until !== undefined && held.until > now) {
    return { reason: 'HeldByUser', message: `held by annotation for ${duration(held.until - now)}`, until: held.until };
  }
  return undefined;
}

function notRunning({ job }: Question): Hold | undefined {
  if (job.history.busyWith !== 'NotRunning' && job.history.busyWith !== 'Waiting') return undefined;
  return { reason: 'NotRunning', message: 'the workers are not running' };
}

function changeInProgress({ job }: Question): Hold | undefined {
  const { busyWith } = job.history;
  if (busyWith === 'Reload') {
    return { reason: 'ChangeInProgress', message: 'waiting for the trainer to acknowledge the last batch change' };
  }
  if (busyWith === 'Resize') return { reason: 'ChangeInProgress', message: 'a resize is under way' };
  return undefined;
}

function metricsUnavailable({ job }: Question): Hold | undefined {
  const last = job.evidence.last;
  if (isPlausible(last?.steps) && isPlausible(last?.samples)) return undefined;
  return {
    reason: 'MetricsUnavailable',
    message: 'Prometheus has no stepwise_trainer_steps_total and stepwise_trainer_samples_total of this job',
  };
}

function metricsStale({ job, now }: Question): Hold | undefined {
  const { last, progress } = job.evidence;
  if (last === undefined) return undefined;
  const limit = job.limits.stalenessLimitSeconds;
  if (!isPlausible(last.observedAt) || !isPlausible(progress.lastStepAt ?? 0)) {
    return { reason: 'MetricsStale', message: 'it is not known when the newest sample was taken' };
  }
  const age = now - last.observedAt;
  if (age > limit) {
    return {
      reason: 'MetricsStale',
      message: `the newest sample is ${duration(age)} old, the limit is ${duration(limit)}`,
    };
  }
  const idle = progress.lastStepAt === undefined ? 0 : now - progress.lastStepAt;
  if (idle > limit) return { reason: 'MetricsStale', message: `no optimizer step for ${duration(idle)}` };
  return undefined;
}

/** Whether the configuration in force has been read often enough to judge it. */
export function isMeasured({ cleanReadings, stepTimes }: Evidence): boolean {
  const newest = stepTimes.at(-1);
  if (newest === undefined) return false;
  return cleanReadings >= (newest.weight >= MANY_STEPS ? MIN_CLEAN_READINGS_OF_MANY_STEPS : MIN_CLEAN_READINGS);
}

function learningThroughput({ job }: Question): Hold | undefined {
  const { cleanReadings } = job.evidence;
  if (isMeasured(job.evidence)) return undefined;
  const seen = isPlausible(cleanReadings) ? cleanReadings : 'an unknown number';
  return {
    reason: 'LearningThroughput',
    message: `measuring the configuration in force: ${seen} of ${MIN_CLEAN_READINGS} readings`,
  };
}

function observeOnly({ job }: Question): Hold | undefined {
  if (job.limits.mode !== 'Observe') return undefined;
  return { reason: 'ObserveOnly', message: 'mode Observe: figures are reported, nothing is recommended or changed' };
}

/** Vetoes that need no plan, in the order they are asked. */
export const READINESS_GUARDS: readonly Guard<Question>[] = [
  notRunning,
  metricsUnavailable,
  metricsStale,
  changeInProgress,
  heldByUser,
  learningThroughput,
  observeOnly,
];
