import { toDecimal } from '../../api/decimal.ts';
import type { Tuning } from '../../api/trainer-protocol.ts';
import type { Configuration } from '../../core/configuration.ts';
import { isPlausible } from '../../core/estimate/reading.ts';
import { toInstant } from '../instants.ts';
import { decimalIfKnown } from '../present.ts';
import { allocationOf, type Draft } from './draft.ts';
import { buildTuning } from './tuning-file.ts';
import type { JobView } from './view.ts';

/** The next tuning. Keeps the checkpoint request of the one before, since it only grows. */
export function newTuning(
  view: JobView,
  configuration: Configuration,
  version: number,
  reason: string,
  checkpointRequest?: number,
): Tuning {
  return buildTuning({
    configuration,
    version,
    checkpointRequest: checkpointRequest ?? view.tuning?.checkpointRequest ?? 0,
    learningRateRule: view.limits.learningRateRule,
    initialGlobalBatchSize: view.limits.initialGlobalBatchSize,
    gradientNoiseScale: view.gradientNoiseScale,
    reason,
  });
}

export interface BatchChange {
  readonly from: Configuration;
  readonly to: Configuration;
  readonly action: 'ChangeBatch' | 'RollBackBatch';
  readonly reason: string;
  readonly message: string;
}

/** Sends another batch: the file is written, and the wait for the acknowledgement begins. */
export function changeBatch(view: JobView, draft: Draft, change: BatchChange): void {
  const { from, to, action, reason, message } = change;
  const version = (view.tuning?.version ?? 0) + 1;
  const tuning = newTuning(view, to, version, message);
  draft.move({ type: 'WriteTuning', tuning, replicas: to.replicas });
  describeTuning(draft, tuning);
  awaitAnswer(view, draft, version);
  draft.record({ action, from: allocationOf(from), to: allocationOf(to), reason, message });
  const lossBefore = isPlausible(view.reading?.loss) ? decimalIfKnown(view.reading.loss) : undefined;
  draft.keep({
    lastBatchChangeTime: toInstant(view.now),
    guard:
      action === 'ChangeBatch' && lossBefore !== undefined && isPlausible(view.reading?.steps)
        ? {
            version,
            lossBefore,
            stepAtChange: view.reading.steps,
            microBatchSize: from.microBatchSize,
            gradientAccumulationSteps: from.gradientAccumulationSteps,
          }
        : undefined,
  });
  const eventType = action === 'ChangeBatch' ? 'Normal' : 'Warning';
  draft.event(eventType, action === 'ChangeBatch' ? 'BatchChanged' : 'BatchRolledBack', message);
}

export function awaitAnswer(view: JobView, draft: Draft, version: number): void {
  const timeout = view.job.spec.batch.reload.ackTimeoutSeconds;
  draft.status.tuning = { version, sentAt: toInstant(view.now), ackDeadline: toInstant(view.now + timeout) };
  describeWait(draft, version);
  draft.lookAgainIn(2);
}

/** While a version is waited for that takes a refused one back, the refusal is what people need to read. */
export function describeWait(draft: Draft, version: number): void {
  const { rejectedVersion, rejectedReason } = draft.status.batch ?? {};
  if (rejectedVersion !== version - 1) {
    draft.condition('ConfigInSync', 'False', 'WaitingForAck', `version ${version} was sent to the trainer`);
    return;
  }
  const message = `the trainer refused version ${rejectedVersion}: ${rejectedReason}; version ${version} takes it back`;
  draft.condition('ConfigInSync', 'False', 'RejectedByTrainer', message);
}

export function describeTuning(draft: Draft, tuning: Tuning): void {
  draft.status.batch = {
    ...draft.status.batch,
    globalBatchSize: tuning.globalBatchSize,
    microBatchSize: tuning.microBatchSize,
    gradientAccumulationSteps: tuning.gradientAccumulationSteps,
    dataParallelSize: tuning.dataParallelSize,
    learningRateScale: toDecimal(tuning.learningRateScale),
    version: tuning.version,
  };
}
