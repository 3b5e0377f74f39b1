import type { Tuning } from '../../api/trainer-protocol.ts';
import type { ResizeStatus } from '../../api/training-job.ts';
import type { Configuration } from '../../core/configuration.ts';
import { isPlausible } from '../../core/estimate/reading.ts';
import { toInstant } from '../instants.ts';
import { awaitAnswer, describeTuning, newTuning } from './batch-change.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** After an out-of-memory the next try stays this far below the micro batch that failed. */
export const CEILING_SHARE = 0.8;

/** Whether the trainer refused this version; the reason is what it reports. */
export function isRefused(view: JobView, tuning: Tuning): boolean {
  const refused = view.reading?.rejectedVersion;
  const applied = view.reading?.configVersion;
  return isPlausible(refused) && refused >= tuning.version && !(isPlausible(applied) && applied >= tuning.version);
}

/** The same share of the batch in more and smaller passes; undefined when a pass has one sample already. */
export function splitSmaller(refused: Configuration): Configuration | undefined {
  if (refused.microBatchSize <= 1) return undefined;
  const perRank = refused.microBatchSize * refused.gradientAccumulationSteps;
  const ceiling = Math.max(1, Math.floor(refused.microBatchSize * CEILING_SHARE));
  const gradientAccumulationSteps = Math.ceil(perRank / ceiling);
  const microBatchSize = Math.max(1, Math.round(perRank / gradientAccumulationSteps));
  return { ...refused, microBatchSize, gradientAccumulationSteps };
}

/**
 * Workers that refuse the tuning they were started with get one that may fit, or the size before. True when the
 * refusal was dealt with. A wrong number of ranks is no refusal here: the others are still starting.
 */
export function answerRefusalAtStart(view: JobView, draft: Draft, resize: ResizeStatus, tried: Configuration): boolean {
  const { tuning, reading } = view;
  const why = reading?.rejectionReason ?? 'no reason given';
  if (tuning === undefined || !isRefused(view, tuning) || why === 'world_size') return false;
  const message = `the new workers refused version ${tuning.version} (micro batch ${tuning.microBatchSize}): ${why}`;
  const smaller = why === 'out_of_memory' ? splitSmaller(tried) : undefined;
  if (smaller === undefined) {
    if (resize.from.replicas === 0) return false;
    draft.event('Warning', 'RescaleRolledBack', `${message}; back to ${resize.from.replicas} workers`);
    draft.condition('Rescaling', 'True', 'Stopping', `${message}; back to ${resize.from.replicas} workers`);
    const now = toInstant(view.now);
    draft.status.resize = { ...resize, phase: 'Stopping', to: resize.from, phaseStartedAt: now, stoppedAt: now };
    return true;
  }
  const { microBatchSize, gradientAccumulationSteps } = smaller;
  const next = newTuning(view, smaller, tuning.version + 1, `${message}; in passes of ${microBatchSize} instead`);
  draft.status.resize = { ...resize, to: { ...resize.to, microBatchSize, gradientAccumulationSteps } };
  draft.move({ type: 'WriteTuning', tuning: next, replicas: resize.to.replicas });
  describeTuning(draft, next);
  if (draft.status.batch !== undefined) {
    const microBatchSizeCeiling = Math.max(1, Math.floor(tuning.microBatchSize * CEILING_SHARE));
    draft.status.batch = { ...draft.status.batch, microBatchSizeCeiling };
  }
  awaitAnswer(view, draft, next.version);
  draft.event('Warning', 'BatchRolledBack', `${message}; in passes of ${microBatchSize} instead`);
  return true;
}
