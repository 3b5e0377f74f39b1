import { toDecimal } from '../../api/decimal.ts';
import type { Tuning } from '../../api/trainer-protocol.ts';
import { type Configuration, sameBatch, samePlacement } from '../../core/configuration.ts';
import { isPlausible } from '../../core/estimate/reading.ts';
import { fromInstant } from '../instants.ts';
import { awaitAnswer, changeBatch, describeTuning, describeWait, newTuning } from './batch-change.ts';
import type { Draft } from './draft.ts';
import { watchLoss } from './loss-guard.ts';
import { CEILING_SHARE, isRefused, splitSmaller } from './refusal.ts';
import type { JobView } from './view.ts';

/** Follows the tuning that was sent until the trainer has answered, then sends the next one that was decided on. */
export function followTuning(view: JobView, draft: Draft, current: Configuration): void {
  const { tuning, reading, tunedReplicas } = view;
  if (tuning === undefined || tunedReplicas === undefined) {
    repairTuning(view, draft, current);
    return;
  }
  describeTuning(draft, tuning);

  // 1. What did the trainer say of the newest version?
  if (isPlausible(reading?.configVersion) && reading.configVersion >= tuning.version) {
    noteApplied(view, draft, tuning);
  } else if (isRefused(view, tuning)) {
    noteRejected(view, draft, tuning, current);
    return;
  } else if (waitForAnswer(view, draft, tuning, current)) {
    return;
  }

  // 2. Does the last change of batch harm convergence?
  if (watchLoss(view, draft, current)) return;

  // 3. Send what was decided on.
  const decision = view.decision;
  if (
    decision?.action !== 'Reload' ||
    !samePlacement(decision.target, current) ||
    sameBatch(decision.target, current)
  ) {
    return;
  }
  changeBatch(view, draft, {
    from: current,
    to: decision.target,
    action: 'ChangeBatch',
    reason: decision.reason,
    message: decision.message,
  });
}

function noteApplied(view: JobView, draft: Draft, tuning: Tuning): void {
  const { globalBatchSize, microBatchSize, gradientAccumulationSteps, dataParallelSize, learningRateScale } = tuning;
  delete draft.status.tuning;
  draft.condition('ConfigInSync', 'True', 'Applied', `the trainer has applied version ${tuning.version}`);
  draft.keep({ unacknowledgedSince: undefined });
  if (draft.status.batch === undefined) return;
  const appliedStep = view.reading?.configAppliedStep;
  draft.status.batch = {
    ...draft.status.batch,
    appliedVersion: tuning.version,
    ...(isPlausible(appliedStep) ? { appliedAtStep: appliedStep } : {}),
    lastGood: {
      version: tuning.version,
      globalBatchSize,
      microBatchSize,
      gradientAccumulationSteps,
      dataParallelSize,
      learningRateScale: toDecimal(learningRateScale),
    },
  };
}

function noteRejected(view: JobView, draft: Draft, tuning: Tuning, current: Configuration): void {
  const why = view.reading?.rejectionReason ?? 'no reason given';
  const message = `the trainer refused version ${tuning.version} (micro batch ${tuning.microBatchSize}): ${why}`;
  draft.condition('ConfigInSync', 'False', 'RejectedByTrainer', message);
  const batch = draft.status.batch;
  const first = batch?.rejectedVersion !== tuning.version;
  if (batch !== undefined)
    draft.status.batch = { ...batch, rejectedVersion: tuning.version, rejectedReason: why.slice(0, 64) };
  if (!first) return;

  if (why === 'out_of_memory' && draft.status.batch !== undefined) {
    const fits = lastGoodConfiguration(draft, current)?.microBatchSize ?? 1;
    const ceiling = Math.max(fits, Math.floor(tuning.microBatchSize * CEILING_SHARE));
    draft.status.batch = { ...draft.status.batch, microBatchSizeCeiling: ceiling };
  }
  // A run that never had a batch that fits is given one.
  const neverFit = why === 'out_of_memory' && draft.status.batch?.lastGood === undefined;
  const smaller = neverFit && view.limits.mode === 'Auto' ? splitSmaller(current) : undefined;
  goBack(view, draft, {
    from: current,
    to: smaller ?? lastGoodConfiguration(draft, current),
    reason: 'RejectedByTrainer',
    message,
  });
}

/** True while the answer is waited for, or was given up. */
function waitForAnswer(view: JobView, draft: Draft, tuning: Tuning, current: Configuration): boolean {
  const flight = draft.status.tuning;
  if (flight === undefined) {
    // The file that a run started with is answered too, once steps are made; silence shows a trainer that never reads it.
    const silent = view.status.bookkeeping?.unacknowledgedSince !== undefined;
    if (!silent && isPlausible(view.reading?.steps) && view.reading.steps > 0) awaitAnswer(view, draft, tuning.version);
    return true;
  }
  const deadline = fromInstant(flight.ackDeadline) ?? view.now;
  draft.lookAgainIn(2);
  // Silence of the metrics is not silence of the trainer: only a reading after the deadline can say that it is late.
  if (view.now < deadline || view.reading === undefined || view.reading.observedAt < deadline) {
    describeWait(draft, tuning.version);
    return true;
  }
  const message = `the trainer did not acknowledge version ${tuning.version} in time; the batch before is assumed`;
  draft.condition('ConfigInSync', 'False', 'ReloadNotAcked', message);
  delete draft.status.tuning;
  const first = view.status.bookkeeping?.unacknowledgedSince === undefined;
  draft.keep({ unacknowledgedSince: view.status.bookkeeping?.unacknowledgedSince ?? flight.sentAt });
  if (first) {
    draft.event('Warning', 'ReloadNotAcked', message);
    goBack(view, draft, {
      from: current,
      to: lastGoodConfiguration(draft, current),
      reason: 'ReloadNotAcked',
      message,
    });
    delete draft.status.tuning;
    draft.condition('ConfigInSync', 'False', 'ReloadNotAcked', message);
  }
  return true;
}

/** Puts a batch that works into the file, so that a restart finds it; without one the file stays as it is. */
function goBack(
  view: JobView,
  draft: Draft,
  back: { readonly from: Configuration; readonly to: Configuration | undefined; reason: string; message: string },
): void {
  const { from, to, reason, message } = back;
  if (to === undefined || sameBatch(to, from)) {
    delete draft.status.tuning;
    return;
  }
  const told = `${message}; back to micro batch ${to.microBatchSize}`;
  changeBatch(view, draft, { from, to, action: 'RollBackBatch', reason, message: told });
}

function lastGoodConfiguration(draft: Draft, current: Configuration): Configuration | undefined {
  const good = draft.status.batch?.lastGood;
  if (good === undefined || good.dataParallelSize !== current.dataParallelSize) return undefined;
  return { ...current, microBatchSize: good.microBatchSize, gradientAccumulationSteps: good.gradientAccumulationSteps };
}

/** Someone deleted or damaged the tuning file: it is written again as the status remembers it. */
function repairTuning(view: JobView, draft: Draft, current: Configuration): void {
  const batch = view.status.batch;
  const replicas = view.workerJob?.spec.parallelism ?? current.replicas;
  const known: Configuration =
    batch === undefined ? { ...current, replicas } : { ...current, replicas, ...pick(batch) };
  const tuning = newTuning(view, known, (batch?.version ?? 0) + 1, 'the tuning file was missing or damaged');
  draft.move({ type: 'WriteTuning', tuning, replicas });
  describeTuning(draft, tuning);
  awaitAnswer(view, draft, tuning.version);
}

function pick(batch: { dataParallelSize: number; microBatchSize: number; gradientAccumulationSteps: number }) {
  const { dataParallelSize, microBatchSize, gradientAccumulationSteps } = batch;
  return { dataParallelSize, microBatchSize, gradientAccumulationSteps };
}
