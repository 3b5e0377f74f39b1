import type { ResizePhase, ResizeStatus, TuningStatus } from '../../api/training-job.ts';
import type { Configuration } from '../../core/configuration.ts';
import { isPlausible } from '../../core/estimate/reading.ts';
import { fromInstant, toInstant } from '../instants.ts';
import { awaitAnswer, describeTuning, newTuning } from './batch-change.ts';
import { allocationOf, type Draft } from './draft.ts';
import { answerRefusalAtStart } from './refusal.ts';
import { completeResize } from './resize-end.ts';
import { type JobView, layOutBatch, type PoolShape, shapeOf } from './view.ts';

type Phase = (view: JobView, draft: Draft, resize: ResizeStatus) => void;

const PHASES: Readonly<Record<ResizePhase, Phase>> = {
  WaitingForCapacity: waitForCapacity,
  CheckpointRequested: waitForCheckpoint,
  Stopping: waitForStop,
  Starting: waitForStart,
};

/** How long new workers may take to be scheduled and make a step, beside the time that nodes may take. */
const START_GRACE_SECONDS = 600;

/**
 * Writes down what is to happen; nothing is touched before that is stored. The phases are
 * WaitingForCapacity → CheckpointRequested → Stopping → Starting, and each ends on what is seen, not on what was done.
 */
export function beginResize(view: JobView, draft: Draft, current: Configuration, replicas: number): void {
  const to = replicas === 0 ? { ...current, replicas: 0 } : targetOf(view, current, replicas);
  const running = view.workerJob?.spec.suspend !== true;
  draft.status.resize = {
    phase: 'WaitingForCapacity',
    from: allocationOf({ ...current, replicas: running ? current.replicas : 0 }),
    to: allocationOf(to),
    startedAt: toInstant(view.now),
    phaseStartedAt: toInstant(view.now),
    checkpointRequest: (view.tuning?.checkpointRequest ?? 0) + 1,
    ...(isPlausible(view.reading?.steps) ? { stepAtStart: view.reading.steps } : {}),
  };
  const planned = plannedChange(view, draft);
  const message = planned?.message ?? describe(draft.status.resize);
  const stop = draft.status.pause === undefined ? 'Suspend' : 'Pause';
  draft.record({
    action: replicas === 0 ? stop : running ? 'Resize' : 'Resume',
    from: draft.status.resize.from,
    to: draft.status.resize.to,
    reason: planned?.reason ?? 'Requested',
    message,
  });
  draft.condition('Rescaling', 'True', 'WaitingForCapacity', message);
  draft.lookAgainIn(1);
}

/** Why the planner wants the change; undefined where it is the user who does. */
function plannedChange(
  { decision }: JobView,
  { status: { pause } }: Draft,
): { readonly reason: string; readonly message: string } | undefined {
  if (pause !== undefined) return pause;
  return decision?.action === 'Resize' || decision?.action === 'Resume' ? decision : undefined;
}

export function continueResize(view: JobView, draft: Draft): void {
  const resize = draft.status.resize;
  if (resize === undefined) return;
  PHASES[resize.phase](view, draft, resize);
}

/** A suspension does not wait for workers that may never find a place: the resize then ends with none. */
export function endInStop(view: JobView, draft: Draft): void {
  const resize = draft.status.resize;
  if (resize === undefined || resize.to.replicas === 0) return;
  const started = resize.phase === 'Starting';
  const phase = resize.phase === 'Stopping' ? 'Stopping' : 'CheckpointRequested';
  draft.status.resize = {
    ...resize,
    to: { ...resize.to, replicas: 0 },
    phase,
    phaseStartedAt: toInstant(view.now),
    // The old workers' checkpoint does not hold what the new ones have done.
    ...(started ? { checkpointRequest: (view.tuning?.checkpointRequest ?? 0) + 1 } : {}),
  };
}

function waitForCapacity(view: JobView, draft: Draft, resize: ResizeStatus): void {
  const needed = resize.to.replicas * view.limits.gpusPerReplica;
  const available = view.reachableGpus();
  if (available === undefined || available >= needed) {
    enter(view, draft, resize, 'CheckpointRequested');
    return;
  }
  draft.status.replicas = Math.max(resize.from.replicas, resize.to.replicas);
  draft.condition('Rescaling', 'True', 'WaitingForCapacity', `${available} of ${needed} GPUs are ready`);
  draft.condition('CapacityReady', 'False', 'WaitingForNodes', `${available} of ${needed} GPUs are ready`);
  const timeout = view.pool?.spec.provisioningTimeoutSeconds ?? 900;
  if (inPhase(view, resize) > timeout)
    giveUp(view, draft, resize, 'CapacityTimedOut', `no ${needed} GPUs in ${timeout}s`);
  else draft.lookAgainIn(5);
}

function waitForCheckpoint(view: JobView, draft: Draft, resize: ResizeStatus): void {
  const request = resize.checkpointRequest ?? 0;
  const { tuning, reading, tunedReplicas } = view;
  // Workers that never made a step have nothing to lose; that nobody has asked them yet does not say so.
  const nothingToSave = view.readyPods === 0 || (reading === undefined && view.metricsAreRead);
  const served = isPlausible(reading?.checkpointRequest) && reading.checkpointRequest >= request;
  if (nothingToSave || served || tuning === undefined || tunedReplicas === undefined) {
    if (served)
      draft.event('Normal', 'CheckpointCompleted', `checkpoint at step ${reading?.checkpointStep ?? 'unknown'}`);
    enter(view, draft, resize, 'Stopping');
    return;
  }
  if (tuning.checkpointRequest < request && isAwaited(view, draft.status.tuning)) {
    draft.condition('Rescaling', 'True', 'CheckpointRequested', `the answer to version ${tuning.version} comes first`);
  } else if (tuning.checkpointRequest < request) {
    const asked = { ...tuning, version: tuning.version + 1, checkpointRequest: request, reason: describe(resize) };
    draft.move({ type: 'WriteTuning', tuning: asked, replicas: tunedReplicas });
    describeTuning(draft, asked);
    awaitAnswer(view, draft, asked.version);
    draft.event('Normal', 'CheckpointRequested', `request ${request}: ${describe(resize)}`);
  }
  const timeout = view.job.spec.checkpoint.timeoutSeconds;
  if (inPhase(view, resize) <= timeout) {
    draft.lookAgainIn(2);
    return;
  }
  const message = `the trainer wrote no checkpoint in ${timeout}s`;
  draft.event('Warning', 'CheckpointTimedOut', message);
  if (hasToStop(draft, resize)) enter(view, draft, resize, 'Stopping');
  else giveUp(view, draft, resize, 'CheckpointTimedOut', message);
}

/** A suspension is the user's will, as are windows and limits: the workers still get SIGTERM and the time to save. */
function hasToStop({ status: { pause } }: Draft, { to }: ResizeStatus): boolean {
  return to.replicas === 0 && pause?.reason !== 'CheaperHours';
}

function waitForStop(view: JobView, draft: Draft, resize: ResizeStatus): void {
  if (view.workerJob !== undefined && view.workerJob.spec.suspend !== true) {
    const replicas = view.workerJob.spec.parallelism ?? resize.from.replicas;
    draft.move({ type: 'SizeWorkload', replicas, suspend: true });
  }
  // A workload that somebody deleted has stopped too.
  const stopped = view.livePods.length === 0 && (view.workerJob === undefined || view.workerJob.spec.suspend === true);
  if (!stopped) {
    draft.condition('Rescaling', 'True', 'Stopping', `${view.livePods.length} workers are stopping`);
    draft.lookAgainIn(2);
    return;
  }
  if (resize.to.replicas > 0) {
    enter(view, draft, resize, 'Starting');
    return;
  }
  draft.status.replicas = 0;
  delete draft.status.resize;
  draft.keep({ lastRescaleTime: toInstant(view.now) });
  draft.condition('Rescaling', 'False', 'NotRescaling', 'the workers have stopped');
  if (draft.status.pause === undefined) {
    draft.event('Normal', 'Suspended', 'the workers have stopped; what was learned is kept');
  }
}

function waitForStart(view: JobView, draft: Draft, resize: ResizeStatus): void {
  const { to } = resize;
  const wanted = layOutFor(view, resize);
  const { tuning, workerJob } = view;

  // 1. The file for the new number of workers is there before the first of them starts.
  const prepared = tuning?.dataParallelSize === wanted.dataParallelSize && view.tunedReplicas === to.replicas;
  if (!prepared) {
    const next = newTuning(view, wanted, (tuning?.version ?? 0) + 1, describe(resize));
    draft.move({ type: 'WriteTuning', tuning: next, replicas: to.replicas });
    describeTuning(draft, next);
    awaitAnswer(view, draft, next.version);
  }

  // 2. The workload gets its new size in the same update that lets it run.
  if (workerJob === undefined) draft.move({ type: 'CreateWorkload', replicas: to.replicas });
  else if (workerJob.spec.suspend === true || workerJob.spec.parallelism !== to.replicas) {
    draft.move({ type: 'SizeWorkload', replicas: to.replicas, suspend: false });
  }
  draft.status.replicas = to.replicas;
  draft.lookAgainIn(2);

  // 3. It is over when all workers make steps at the new size.
  if (prepared && completeResize(view, draft, resize)) return;
  if (prepared && answerRefusalAtStart(view, draft, resize, wanted)) return;
  const grace = START_GRACE_SECONDS + (view.pool?.spec.provisioningTimeoutSeconds ?? 0);
  const stuck = inPhase(view, resize) > grace && view.unscheduledPods > 0;
  if (stuck && to.replicas > resize.from.replicas && resize.from.replicas > 0) {
    const message = `${view.unscheduledPods} of ${to.replicas} workers found no place; back to ${resize.from.replicas}`;
    draft.event('Warning', 'RescaleRolledBack', message);
    draft.status.resize = { ...resize, phase: 'Stopping', to: resize.from, phaseStartedAt: toInstant(view.now) };
    return;
  }
  draft.condition('Rescaling', 'True', 'Starting', `${view.readyPods} of ${to.replicas} workers are ready`);
}

function targetOf(view: JobView, current: Configuration, replicas: number): Configuration {
  const decided = view.decision;
  const isPlanned =
    decided?.action === 'Resize' || (decided?.action === 'Resume' && decided.target.pool === current.pool);
  if (isPlanned && decided.target.replicas === replicas) return decided.target;
  const globalBatchSize = current.microBatchSize * current.gradientAccumulationSteps * current.dataParallelSize;
  return layOutBatch(view.limits, shapeNamed(view, current.pool), replicas, {
    globalBatchSize,
    microBatchSize: current.microBatchSize,
  });
}

function layOutFor(view: JobView, resize: ResizeStatus): Configuration {
  const { to } = resize;
  const shape = to.pool === undefined ? shapeOf(view.pool) : shapeNamed(view, to.pool);
  const laidOut = layOutBatch(view.limits, shape, to.replicas, {
    globalBatchSize: to.globalBatchSize ?? view.limits.initialGlobalBatchSize,
    microBatchSize: to.microBatchSize ?? view.limits.initialMicroBatchSize,
  });
  if (to.microBatchSize === undefined || to.gradientAccumulationSteps === undefined) return laidOut;
  return {
    ...laidOut,
    microBatchSize: to.microBatchSize,
    gradientAccumulationSteps: to.gradientAccumulationSteps,
  };
}

function shapeNamed(view: JobView, name: string): PoolShape {
  return shapeOf(
    view.pools.find((pool) => pool.metadata.name === name),
    name,
  );
}

function enter(view: JobView, draft: Draft, resize: ResizeStatus, phase: ResizePhase): void {
  const now = toInstant(view.now);
  const stopped = phase === 'Stopping' ? { stoppedAt: now } : {};
  // Workers that stop answer nothing more.
  if (phase === 'Stopping') delete draft.status.tuning;
  draft.status.resize = { ...resize, phase, phaseStartedAt: now, ...stopped };
  draft.condition('Rescaling', 'True', phase, describe(resize));
  draft.lookAgainIn(1);
}

/** Leaves everything as it was; the cooldown keeps the same change from being tried again at once. */
function giveUp(
  view: JobView,
  draft: Draft,
  resize: ResizeStatus,
  reason: 'CapacityTimedOut' | 'CheckpointTimedOut',
  message: string,
): void {
  delete draft.status.resize;
  // Cheaper hours are not worth the work since the last checkpoint.
  delete draft.status.pause;
  draft.status.replicas = resize.from.replicas;
  draft.keep({ lastRescaleTime: toInstant(view.now) });
  draft.condition('Rescaling', 'False', reason, `${describe(resize)} was given up: ${message}`);
  draft.event('Warning', 'RescaleGivenUp', `${describe(resize)} was given up: ${message}`);
}

/** Whether the trainer still has time to answer the version that was sent before. */
function isAwaited(view: JobView, flight: TuningStatus | undefined): boolean {
  if (flight === undefined) return false;
  const { configVersion, rejectedVersion } = view.reading ?? {};
  const answered = [configVersion, rejectedVersion].some((known) => isPlausible(known) && known >= flight.version);
  return !answered && view.now < (fromInstant(flight.ackDeadline) ?? view.now);
}

function inPhase(view: JobView, resize: ResizeStatus): number {
  return view.now - (fromInstant(resize.phaseStartedAt ?? resize.startedAt) ?? view.now);
}

export function describe(resize: ResizeStatus): string {
  return `${resize.from.replicas}→${resize.to.replicas} workers`;
}
