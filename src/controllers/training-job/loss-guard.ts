import { type Configuration, globalBatchSize } from '../../core/configuration.ts';
import { isPlausible } from '../../core/estimate/reading.ts';
import { percent } from '../../core/explain/figures.ts';
import { changeBatch } from './batch-change.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/**
 * Compares the training loss a while after a change of batch with the loss before it, and takes the change back when
 * it rose. True when it did.
 */
export function watchLoss(view: JobView, draft: Draft, current: Configuration): boolean {
  const guard = view.status.bookkeeping?.guard;
  const { reading, limits } = view;
  if (guard === undefined || reading === undefined || !isPlausible(reading.steps)) return false;
  if (view.tuning?.version !== guard.version) {
    draft.keep({ guard: undefined });
    return false;
  }
  if (reading.steps < guard.stepAtChange + limits.lossWindowSteps || reading.loss === undefined) return false;

  draft.keep({ guard: undefined });
  const before = Number(guard.lossBefore);
  // Not a number counts as risen: a training that diverged is the case this guard is for.
  const rise = Number.isNaN(reading.loss) ? Number.POSITIVE_INFINITY : riseOf(before, reading.loss);
  if (rise <= limits.maxLossRegressionFraction) return false;

  const to = {
    ...current,
    microBatchSize: guard.microBatchSize,
    gradientAccumulationSteps: guard.gradientAccumulationSteps,
  };
  const risen = Number.isFinite(rise) ? `rose by ${percent(rise)}` : 'is no number any more';
  changeBatch(view, draft, {
    from: current,
    to,
    action: 'RollBackBatch',
    reason: 'LossRegressed',
    message: `the loss ${risen} after the change to global batch ${globalBatchSize(current)}; back to ${globalBatchSize(to)}`,
  });
  draft.keep({
    globalBatchSizeCeiling: Math.max(globalBatchSize(to), Math.floor(globalBatchSize(current) / 2)),
  });
  return true;
}

/** Relative to the loss before; from a loss of nothing any rise is endless. */
function riseOf(before: number, after: number): number {
  if (before > 0) return after / before - 1;
  return after > before ? Number.POSITIVE_INFINITY : 0;
}
