import type { TrainingJobStatus } from '../../api/training-job.ts';
import type { JobDecision } from '../../core/plan-fleet.ts';
import { fromInstant, toInstant } from '../instants.ts';
import { allocationOf, type Draft } from './draft.ts';
import type { JobView } from './view.ts';

type PauseStatus = NonNullable<TrainingJobStatus['pause']>;

/** A run that waits for its first decision is started without it after this: the planner may be unwell. */
const FIRST_DECISION_SECONDS = 120;

/**
 * Takes up what the planner decided about hours: begins a pause, goes on with it or ends it. All of it is in the status
 * before a worker is touched, so that a successor goes on where this process ended; without a decision nothing changes.
 * The stop and the start themselves are those of any other resize.
 */
export function followPause(view: JobView, draft: Draft): void {
  const { decision } = view;
  const { pause } = draft.status;
  if (pause !== undefined && !mayPause(view)) end(view, draft, pause, 'the job may not wait for hours any more');
  else if (pause !== undefined) followDecision(view, draft, pause);
  else if (decision?.action === 'Pause' && mayPause(view) && draft.status.resize === undefined) {
    begin(view, draft, decision, false);
  } else if (decision !== undefined && holdsStart(view, decision)) begin(view, draft, decision, true);
  describePause(view, draft);
}

/** Whether a run that was never started is left alone until the planner has said whether it should wait. */
export function waitsForFirstDecision(view: JobView): boolean {
  const { job, now, decision, status } = view;
  if (!mayPause(view) || status.startTime !== undefined || decision !== undefined) return false;
  // One that was submitted while no operator ran has not been waited for yet.
  const since = Math.max(
    fromInstant(job.metadata.creationTimestamp) ?? Number.NEGATIVE_INFINITY,
    view.lookingSince ?? Number.NEGATIVE_INFINITY,
  );
  return now - since < FIRST_DECISION_SECONDS;
}

/** Whether the job may stand still for the sake of hours. */
function mayPause({ limits }: JobView): boolean {
  return limits.mode === 'Auto' && limits.canPause;
}

function holdsStart({ workerJob, status }: JobView, { action, reason }: JobDecision): boolean {
  const isNew = workerJob === undefined && status.startTime === undefined;
  return isNew && action === 'Hold' && reason === 'WaitingForHours';
}

function begin(view: JobView, draft: Draft, decision: JobDecision, isStart: boolean): void {
  const { reason, message, until, target } = decision;
  draft.status.pause = {
    reason: isStart ? 'WaitingForHours' : reason,
    message: message.slice(0, 1024),
    since: toInstant(view.now),
    isStart,
    ...(until === undefined ? {} : { until: toInstant(until) }),
    ...(isStart ? {} : { resumes: allocationOf(target) }),
  };
  // What mode Require needs is not counted against what may be paused for cheaper hours.
  const isCounted = !isStart && (reason === 'CheaperHours' || view.limits.eco?.mode === 'Prefer');
  draft.status.pauses = (draft.status.pauses ?? 0) + (isCounted ? 1 : 0);
  draft.event('Normal', 'Paused', message);
}

function followDecision(view: JobView, draft: Draft, pause: PauseStatus): void {
  const { decision } = view;
  if (decision === undefined || draft.status.resize !== undefined) return;
  const waits = decision.action === 'Hold' && decision.reason === 'WaitingForHours';
  if (waits) {
    const { until: _, ...rest } = pause;
    const until = decision.until === undefined ? {} : { until: toInstant(decision.until) };
    draft.status.pause = { ...rest, message: decision.message.slice(0, 1024), ...until };
    return;
  }
  const goesOn = decision.action === 'Resume' || (pause.isStart && decision.action !== 'Pause');
  if (goesOn) end(view, draft, pause, decision.message);
}

function end(view: JobView, draft: Draft, pause: PauseStatus, message: string): void {
  delete draft.status.pause;
  const waited = Math.max(0, Math.round(view.now - (fromInstant(pause.since) ?? view.now)));
  draft.status.pausedSeconds = (draft.status.pausedSeconds ?? 0) + waited;
  draft.event('Normal', 'Resumed', message);
}

function describePause({ status }: JobView, draft: Draft): void {
  const { pause } = draft.status;
  if (pause === undefined) {
    // Jobs that never wait need not be told that they don't.
    if (status.conditions?.some(({ type }) => type === 'Paused')) {
      draft.condition('Paused', 'False', 'NotPaused', 'no hours are waited for');
    }
    return;
  }
  const until = pause.until === undefined ? '' : `; until ${pause.until} as planned now`;
  const reason = pause.reason === 'OutsideHours' ? 'OutsideHours' : 'CheaperHours';
  draft.condition('Paused', 'True', reason, `${pause.message}${until}`);
}
