import { toDecimal } from '../../api/decimal.ts';
import type { ResizeStatus } from '../../api/training-job.ts';
import { ranksPerReplica } from '../../core/configuration.ts';
import { isPlausible } from '../../core/estimate/reading.ts';
import { fromInstant, toInstant } from '../instants.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** Weight of the newest resize in the mean time without steps. */
const SMOOTHING = 0.5;
const HOUR_SECONDS = 3600;
const MAX_TIMES = 60;

/** Ends a resize when all ranks report steps under the new tuning, and notes what it cost. */
export function completeResize(view: JobView, draft: Draft, resize: ResizeStatus): boolean {
  const { reading, tuning } = view;
  const { to } = resize;
  const stoppedAt = stopOf(view, resize);
  const ranks = to.replicas * ranksPerReplica(view.limits.gpusPerReplica);
  const back =
    view.readyPods === to.replicas &&
    reading?.ranks === ranks &&
    reading.observedAt > stoppedAt &&
    isPlausible(reading.configVersion) &&
    reading.configVersion >= (tuning?.version ?? Number.POSITIVE_INFINITY) &&
    isPlausible(reading.stepSecondsCount) &&
    reading.stepSecondsCount > 0;
  if (!back) return false;

  const seconds = Math.max(1, reading.observedAt - stoppedAt);
  const before = Number(view.status.restartSeconds?.value ?? Number.NaN);
  const mean = Number.isNaN(before) ? seconds : SMOOTHING * seconds + (1 - SMOOTHING) * before;
  const now = toInstant(view.now);
  const lastHour = (view.status.bookkeeping?.rescaleTimes ?? []).filter(
    (time) => (fromInstant(time) ?? 0) > view.now - HOUR_SECONDS,
  );
  delete draft.status.resize;
  delete draft.status.tuning;
  draft.status.restartSeconds = { value: toDecimal(mean) };
  draft.status.rescales = (view.status.rescales ?? 0) + (resize.from.replicas > 0 ? 1 : 0);
  draft.keep({ lastRescaleTime: now, rescaleTimes: [...lastHour, now].slice(-MAX_TIMES) });
  draft.condition('Rescaling', 'False', 'NotRescaling', `the last change took ${Math.round(seconds)}s without steps`);
  const grew = to.replicas > resize.from.replicas;
  draft.event(
    'Normal',
    grew ? 'ScaledUp' : 'ScaledDown',
    `${resize.from.replicas}→${to.replicas} workers, ${Math.round(seconds)}s without steps`,
  );
  return true;
}

/** The old workers stopped making steps when the resize left the checkpoint phase. */
function stopOf(view: JobView, resize: ResizeStatus): number {
  return fromInstant(resize.stoppedAt) ?? fromInstant(resize.startedAt) ?? view.now;
}
