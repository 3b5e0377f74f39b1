import type { Configuration } from '../configuration.ts';
import { firstHold } from '../guard/question.ts';
import { READINESS_GUARDS } from '../guard/readiness.ts';
import { ratePerHour } from '../model/cost-rate.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import { layOut, mostReplicas } from './candidates.ts';
import { PRIOR_RESTART_SECONDS } from './evaluate.ts';
import { heldGpus as gpusOf } from './free-gpus.ts';
import { lend } from './lend.ts';
import { type Claim, type ClaimSize, reserve } from './reserve.ts';
import { isAllowed } from './sizes.ts';
import type { Timeline } from './timeline.ts';

/** What the pool that is paid for has for a job whose speed is known. Instants as in the snapshot. */
export type Allotment =
  | {
      readonly kind: 'Reserved';
      readonly from: number;
      readonly until: number;
      readonly target: Configuration;
      /** GPUs of these that are lent, as nobody needs them now. */
      readonly lentGpus: number;
    }
  /** No promise can be made; `earliest` is the earliest deadline that could be kept. */
  | { readonly kind: 'Infeasible'; readonly earliest: number; readonly isHopeless: boolean };

/** A measured speed replaces the profile's when it differs by more than this many standard deviations. */
const SURE_DEVIATIONS = 3;

/**
 * Shares every pool that is paid for among the jobs whose speed is known beforehand and whose batch is fixed: their
 * deadlines first, then what is left idle is lent. The other jobs on it keep what they hold.
 *
 * A job of which no number of workers is both allowed and known is left out.
 */
export function allotPaidPools(snapshot: Snapshot): {
  readonly allotments: ReadonlyMap<string, Allotment>;
  /** What is left of those pools, by name. */
  readonly timelines: ReadonlyMap<string, Timeline>;
} {
  const allotments = new Map<string, Allotment>();
  const timelines = new Map<string, Timeline>();
  for (const pool of snapshot.pools) {
    if (!((pool.paidNodes ?? 0) > 0)) continue;
    const restartSeconds = usualRestartSeconds(snapshot.jobs, pool);
    const profiled = snapshot.jobs.flatMap((job) => profileOn(job, pool, snapshot.now, restartSeconds) ?? []);
    if (profiled.length === 0) continue;
    const { timeline, byKey } = allot(profiled, pool, snapshot);
    timelines.set(pool.name, timeline);
    for (const [key, allotment] of byKey) allotments.set(key, allotment);
  }
  return { allotments, timelines };
}

interface Profiled {
  readonly job: JobSnapshot;
  readonly claim: Claim;
  readonly layouts: ReadonlyMap<number, Configuration>;
}

function allot(
  profiled: readonly Profiled[],
  pool: PoolSnapshot,
  snapshot: Snapshot,
): { readonly byKey: readonly (readonly [string, Allotment])[]; readonly timeline: Timeline } {
  const { now } = snapshot;
  const own = new Set(profiled.map(({ job }) => job.key));
  const others = snapshot.jobs.filter(({ key, history }) => history.current.pool === pool.name && !own.has(key));
  const gpus = others.reduce((left, job) => left - gpusOf(job), (pool.paidNodes ?? 0) * pool.gpusPerNode);
  const claims = profiled.map(({ claim }) => claim);
  const reserved = reserve(claims, gpus - pool.foreignGpus);
  const restartable = new Set(profiled.filter(({ job }) => mayBorrow(job, now)).map(({ claim }) => claim));
  const lent = lend(claims, reserved, (claim) => restartable.has(claim));
  const byKey = profiled.flatMap(({ job, claim, layouts }): readonly (readonly [string, Allotment])[] => {
    const earliest = reserved.refused.get(claim.key);
    if (earliest !== undefined) {
      const fastest = Math.min(...claim.sizes.map(({ workSeconds }) => workSeconds + claim.restartSeconds));
      const isHopeless = fastest > claim.deadline;
      return [[job.key, { kind: 'Infeasible', earliest: now + earliest, isHopeless }]];
    }
    const reservation = lent.get(claim.key);
    const target = layouts.get(reservation?.gpus ?? 0);
    if (reservation === undefined || target === undefined) return [];
    const lentGpus = reservation.gpus - (reserved.byKey.get(claim.key)?.gpus ?? 0);
    const { from, to } = reservation;
    return [[job.key, { kind: 'Reserved', from: now + from, until: now + to, target, lentGpus }]];
  });
  return { byKey, timeline: reserved.timeline };
}

/** Undefined for a job that is not planned by its profile on this pool. */
function profileOn(job: JobSnapshot, pool: PoolSnapshot, now: number, usualRestart: number): Profiled | undefined {
  if (!isPlannedByProfile(job, pool)) return undefined;
  const { limits, history } = job;
  const isWaiting = history.busyWith === 'Waiting';
  const heldGpus = isWaiting ? 0 : gpusOf(job);
  const others = isWaiting || mayChange(job, now) ? allowedLayouts(job, pool) : [];
  const layouts = new Map(others.map((layout) => [layout.replicas * limits.gpusPerReplica, layout]));
  // The workers in force stay as they are, whatever another layout of the same number would look like.
  if (!isWaiting) layouts.set(heldGpus, history.current);
  const sizes = sizesOf(job, layouts);
  if (sizes.length === 0 || (!isWaiting && !sizes.some(({ gpus }) => gpus === heldGpus))) return undefined;
  const restartSeconds = history.restartSeconds ?? usualRestart;
  const isNew = isWaiting && history.isPromised !== true;
  const left = (limits.deadline ?? Number.POSITIVE_INFINITY) - now;
  // A promise leaves time for another restart: for that of a number that was lent and is taken back.
  const deadline = isNew ? left - restartSeconds : left;
  return { job, claim: { key: job.key, deadline, heldGpus, isNew, restartSeconds, sizes }, layouts };
}

/** For a job that was not restarted yet: the longest restart of the others, as a promise must hold. */
function usualRestartSeconds(jobs: readonly JobSnapshot[], { name }: PoolSnapshot): number {
  const known = jobs.flatMap(({ history }) => (history.current.pool === name ? (history.restartSeconds ?? []) : []));
  return known.length === 0 ? PRIOR_RESTART_SECONDS : Math.max(...known);
}

function isPlannedByProfile({ limits, history, held, knownSpeed }: JobSnapshot, pool: PoolSnapshot): boolean {
  if (knownSpeed?.pool !== pool.name || !limits.pools.includes(pool.name)) return false;
  // By whatever hours it was paused, those say when it goes on.
  if (history.busyWith === 'Paused') return false;
  if (history.busyWith === 'Waiting' ? held.everything : history.current.pool !== pool.name) return false;
  const isFixedBatch = limits.batchMode === 'Off' || held.batch;
  const isElastic = limits.mode === 'Auto' && limits.canRescale && limits.gpusPerReplica > 0;
  return isFixedBatch && isElastic && limits.work.type === 'ReferenceSamples';
}

function allowedLayouts(job: JobSnapshot, pool: PoolSnapshot): readonly Configuration[] {
  const { limits, knownSpeed, history } = job;
  const batch = limits.initialGlobalBatchSize;
  const band = { batches: [batch], lowest: batch, highest: batch };
  const largestMicro = Math.min(
    limits.maxMicroBatchSize ?? limits.initialMicroBatchSize,
    history.microBatchSizeCeiling ?? Number.POSITIVE_INFINITY,
  );
  const most = Math.min(limits.maxReplicas, mostReplicas(pool, limits));
  const affordable = limits.maxPricePerHour ?? Number.POSITIVE_INFINITY;
  return (knownSpeed?.sizes ?? []).flatMap(({ replicas }) => {
    const isLegal = replicas >= limits.minReplicas && replicas <= most && isAllowed(limits.sizes, replicas);
    if (!isLegal || ratePerHour(pool, replicas, limits.gpusPerReplica) > affordable) return [];
    return layOut(job, largestMicro, band, { pool, replicas, batch }) ?? [];
  });
}

/** Sizes by rising speed; what is no faster than fewer GPUs is left out, but for the number in force. */
function sizesOf(job: JobSnapshot, layouts: ReadonlyMap<number, Configuration>): readonly ClaimSize[] {
  const { limits, evidence, history, knownSpeed } = job;
  if (limits.work.type !== 'ReferenceSamples') return [];
  const left = Math.max(0, limits.work.referenceSamples - evidence.progress.referenceSamples);
  const factor = measuredOverKnown(job);
  let fastest = 0;
  return [...layouts]
    .sort(([one], [other]) => one - other)
    .flatMap(([gpus, { replicas }]): readonly ClaimSize[] => {
      const speed = knownSpeed?.sizes.find((size) => size.replicas === replicas)?.samplesPerSecond ?? Number.NaN;
      const isInForce = replicas === history.current.replicas;
      const workSeconds = left / (speed * factor);
      // A speed or progress that is no number cannot be planned with.
      if (!Number.isFinite(workSeconds) || (speed <= fastest && !isInForce)) return [];
      fastest = Math.max(fastest, speed);
      return [{ gpus, workSeconds }];
    });
}

/** What the run was found to be faster than its profile, where that is sure; 1 otherwise. */
function measuredOverKnown({ evidence, history, limits, knownSpeed }: JobSnapshot): number {
  const { current } = history;
  const point = evidence.stepTimes.findLast(
    (each) => !each.isBeforeChange && each.dataParallelSize === current.dataParallelSize,
  );
  const known = knownSpeed?.sizes.find(({ replicas }) => replicas === current.replicas)?.samplesPerSecond;
  if (point === undefined || known === undefined) return 1;
  const ratio = limits.initialGlobalBatchSize / point.meanSeconds / known;
  const isSure = Math.abs(Math.log(ratio)) > SURE_DEVIATIONS / Math.sqrt(point.precision);
  return isSure && ratio > 0 ? ratio : 1;
}

/** Whether a running job may be restarted now for the sake of others. */
function mayChange(job: JobSnapshot, now: number): boolean {
  const { lastResizeAt } = job.history;
  if (firstHold(READINESS_GUARDS, { now, job }) !== undefined) return false;
  if (lastResizeAt !== undefined && now < lastResizeAt + job.limits.cooldownSeconds) return false;
  return resizesLeft(job, now) > 0;
}

/** Whoever borrows has to be able to give back within the hour, too. */
function mayBorrow(job: JobSnapshot, now: number): boolean {
  return job.history.busyWith === 'Waiting' || resizesLeft(job, now) > 1;
}

function resizesLeft({ limits, history }: JobSnapshot, now: number): number {
  return limits.maxRescalesPerHour - history.resizedAt.filter((instant) => instant > now - 3600).length;
}
