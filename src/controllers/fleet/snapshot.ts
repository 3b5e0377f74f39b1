import {
  HOLD_UNTIL_ANNOTATION,
  PAUSED_ANNOTATION,
  PAUSED_BATCH_ANNOTATION,
  PAUSED_SCALE_DOWN_ANNOTATION,
  PAUSED_SCALE_UP_ANNOTATION,
} from '../../api/annotations.ts';
import { fromDecimal } from '../../api/decimal.ts';
import type { GpuPool } from '../../api/gpu-pool.ts';
import type { PoolMeter } from '../../core/account/job-account.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import type { Evidence } from '../../core/estimate/evidence.ts';
import type { HeldByUser, JobHistory, JobSnapshot, PoolHour, PoolSnapshot } from '../../core/snapshot.ts';
import { type ClusterView, poolUse } from '../cluster-view.ts';
import { fromInstant } from '../instants.ts';
import type { TrainingJobObject } from '../kinds.ts';
import { currentConfiguration, type JobView, shapeOf } from '../training-job/view.ts';

/** A job as the planner sees it. */
export function snapshotJob(view: JobView, evidence: Evidence, accruedCost: number): JobSnapshot {
  const { job, limits, status } = view;
  const { bookkeeping, batch } = status;
  const isWaiting = waitsForStart(view);
  const laidOut = currentConfiguration({ ...view, shape: shapeOf(view.pool) });
  const current = isWaiting ? { ...laidOut, replicas: 0, nodes: 0 } : laidOut;
  const lastHour = (bookkeeping?.rescaleTimes ?? []).flatMap((time) => fromInstant(time) ?? []);
  const history: JobHistory = {
    current,
    busyWith: isWaiting ? 'Waiting' : busyWith(view),
    pauses: status.pauses ?? 0,
    pausedSeconds: status.pausedSeconds ?? 0,
    pausedSince: fromInstant(status.pause?.since),
    unacknowledgedSince: fromInstant(bookkeeping?.unacknowledgedSince),
    lastReloadAt: fromInstant(bookkeeping?.lastBatchChangeTime),
    lastResizeAt: fromInstant(bookkeeping?.lastRescaleTime),
    resizedAt: lastHour,
    microBatchSizeCeiling: batch?.microBatchSizeCeiling,
    globalBatchSizeCeiling: bookkeeping?.globalBatchSizeCeiling,
    restartSeconds: status.restartSeconds === undefined ? undefined : fromDecimal(status.restartSeconds.value),
    accruedCost,
  };
  const key = `${job.metadata.namespace}/${job.metadata.name}`;
  const submittedAt = fromInstant(job.metadata.creationTimestamp);
  return { key, limits, held: heldBy(job), history, evidence, ...(submittedAt === undefined ? {} : { submittedAt }) };
}

/** Only a job that may wait for hours is asked about before its start. */
function waitsForStart({ limits, workerJob, status }: JobView): boolean {
  return limits.canPause && limits.mode === 'Auto' && workerJob === undefined && status.startTime === undefined;
}

function busyWith(view: JobView): JobHistory['busyWith'] {
  if (view.status.resize !== undefined) return 'Resize';
  if (view.status.pause !== undefined) return 'Paused';
  if (view.workerJob === undefined || view.livePods.length === 0) return 'NotRunning';
  return view.status.tuning === undefined ? 'Nothing' : 'Reload';
}

function heldBy(job: TrainingJobObject): HeldByUser {
  const annotations = job.metadata.annotations ?? {};
  const is = (key: string) => annotations[key] === 'true';
  return {
    everything: is(PAUSED_ANNOTATION),
    scaleUp: is(PAUSED_SCALE_UP_ANNOTATION),
    scaleDown: is(PAUSED_SCALE_DOWN_ANNOTATION),
    batch: is(PAUSED_BATCH_ANNOTATION),
    until: fromInstant(annotations[HOLD_UNTIL_ANNOTATION]),
  };
}

/** What is known of the electricity of a pool, now and in the hours to come. */
export interface PoolElectricity extends Pick<PoolSnapshot, 'hours' | 'carbonBasis' | 'kilowattsPerGpu'> {
  /** How its draw is accounted; `kilowattsPerGpu` alone unless said. */
  readonly meter?: PoolMeter;
  /** The hour that it is, as it is accounted: without it that of `hours`, which are made to plan by. */
  readonly hourNow?: PoolHour;
}

export function snapshotPool(
  cluster: ClusterView,
  pool: GpuPool,
  now: InstantSeconds,
  electricity: PoolElectricity = {},
): PoolSnapshot {
  return poolSnapshotOf(pool, poolUse(cluster, pool).foreignGpus, now, electricity);
}

/** The same where it is told how many of its GPUs are not to be had. */
export function poolSnapshotOf(
  pool: GpuPool,
  foreignGpus: number,
  now: InstantSeconds,
  { hours, carbonBasis, kilowattsPerGpu }: PoolElectricity = {},
): PoolSnapshot {
  return {
    ...(hours === undefined ? {} : { hours }),
    ...(carbonBasis === undefined ? {} : { carbonBasis }),
    ...(kilowattsPerGpu === undefined ? {} : { kilowattsPerGpu }),
    name: pool.metadata.name,
    gpusPerNode: pool.spec.gpusPerNode,
    maxNodes: pool.spec.limits.maxNodes,
    paidNodes: paidNodesOf(pool, now),
    foreignGpus,
    billing: pool.spec.cost.billing,
    pricePerNodeHour: fromDecimal(pool.spec.cost.pricePerNodeHour),
    currency: pool.spec.cost.currency,
    provisioningSeconds: pool.status?.provisioningSeconds,
    stockOutUntil: fromInstant(pool.status?.stockOutUntil),
  };
}

/** Nodes that cost nothing more when they are used: all that are owned, and those reserved while the term lasts. */
function paidNodesOf({ spec }: GpuPool, now: InstantSeconds): number {
  if (spec.cost.capacityType === 'Owned') return spec.limits.maxNodes;
  const { reservation } = spec.cost;
  const endsAt = fromInstant(reservation?.endsAt);
  return reservation !== undefined && endsAt !== undefined && now < endsAt ? reservation.nodes : 0;
}
