import { type Configuration, globalBatchSize, ranksPerReplica, samePlacement } from '../configuration.ts';
import { duration } from '../explain/figures.ts';
import type { HoldReason } from '../guard/question.ts';
import { nodesFor } from '../model/cost-rate.ts';
import { planStart } from '../plan-start.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';
import { type Allotment, allotPaidPools } from './profiled-jobs.ts';
import type { Timeline } from './timeline.ts';
import { waitUnmeasured } from './unmeasured.ts';

/** What is to be done with a job that is not judged by its measurements: it waits for its start, or its speed is known. */
export interface DirectDecision {
  readonly action: 'Start' | 'Resize' | 'Hold' | 'Refuse';
  readonly reason: HoldReason | 'Admitted' | 'IdleGpusLent' | 'DeadlineAtRisk' | 'YieldsToOthers';
  readonly message: string;
  readonly target: Configuration;
  readonly until: number | undefined;
  readonly isPromised: boolean;
  readonly deadlineAtRisk: boolean;
}

export interface DirectDecisions {
  readonly byKey: ReadonlyMap<string, DirectDecision>;
  /** The snapshot for the decisions on all other jobs: what these hold or will hold is not theirs to take. */
  readonly rest: Snapshot;
}

/**
 * Decides on the jobs that wait for a start, the most urgent first, and on those that share a paid pool by their known
 * speeds. Cost: nothing without such jobs.
 */
export function decideDirectly(snapshot: Snapshot, inOrder: readonly JobSnapshot[]): DirectDecisions {
  // 1. Pools that are paid for, among jobs of known speed.
  const { allotments, timelines } = allotPaidPools(snapshot);
  const byKey = new Map<string, DirectDecision>();
  for (const job of inOrder) {
    const allotment = allotments.get(job.key);
    if (allotment !== undefined) byKey.set(job.key, carryOut(job, allotment, snapshot.now));
  }

  // 2. Jobs of which nothing is known, on what is left: as their users would start them.
  const room = new Room(snapshot, byKey, timelines);
  for (const job of inOrder) {
    if (job.history.busyWith === 'Waiting' && !byKey.has(job.key)) byKey.set(job.key, start(job, room, snapshot));
  }
  return { byKey, rest: byKey.size === 0 ? snapshot : without(snapshot, byKey, timelines) };
}

function carryOut(job: JobSnapshot, allotment: Allotment, now: number): DirectDecision {
  const { current, busyWith } = job.history;
  const stays = { target: current, until: undefined, isPromised: false, deadlineAtRisk: false };
  if (allotment.kind === 'Infeasible') {
    const inTime = Number.isFinite(allotment.earliest)
      ? `the earliest deadline that can be kept is in ${duration(allotment.earliest - now)}`
      : 'no deadline can be kept';
    const left = duration((job.limits.deadline ?? now) - now);
    const message = `its deadline in ${left} cannot be met beside the deadlines that were promised; ${inTime}`;
    return { ...stays, action: allotment.isHopeless ? 'Refuse' : 'Hold', reason: 'DeadlineInfeasible', message };
  }
  const { target, from, until, lentGpus } = allotment;
  const deadlineAtRisk = until > (job.limits.deadline ?? Number.POSITIVE_INFINITY);
  const promised = { isPromised: true, deadlineAtRisk };
  if (from > now) {
    const message = `${count(target)} reserved from in ${duration(from - now)} on, to end in ${duration(until - now)}`;
    return { ...stays, ...promised, action: 'Hold', reason: 'PoolFull', message, until: from };
  }
  const ends = `to end in ${duration(until - now)}`;
  const lent = lentGpus > 0 ? `, ${lentGpus} GPUs of it lent while nobody needs them` : '';
  if (busyWith === 'Waiting') {
    const message = `start with ${count(target)} ${ends}${lent}`;
    return { ...stays, ...promised, action: 'Start', reason: 'Admitted', message, target };
  }
  if (samePlacement(current, target)) {
    const message = `${count(current)} ${ends}${lent}; no other number is cheaper in time`;
    return { ...stays, ...promised, action: 'Hold', reason: 'AtOptimum', message };
  }
  const isLess = target.replicas < current.replicas;
  const reason = isLess ? 'YieldsToOthers' : lentGpus > 0 ? 'IdleGpusLent' : 'DeadlineAtRisk';
  const message = `from ${count(current)} to ${count(target)} ${ends}${lent}`;
  return { ...stays, ...promised, action: 'Resize', reason, message, target };
}

function start(job: JobSnapshot, room: Room, { now, pools }: Snapshot): DirectDecision {
  const { current } = job.history;
  const stays = { target: current, until: undefined, isPromised: false, deadlineAtRisk: false };
  if (job.held.everything) {
    return { ...stays, action: 'Hold', reason: 'HeldByUser', message: 'not started while its annotation pauses it' };
  }
  const planned = startAsForecast(job, room, { now, pools });
  if (planned !== undefined) return planned;
  const { initialReplicas, gpusPerReplica } = job.limits;
  const wanted = initialReplicas * gpusPerReplica;
  const allowed = job.limits.pools.flatMap((name) => pools.find((pool) => pool.name === name) ?? []);
  const [preferred] = allowed;
  const wait = preferred === undefined ? undefined : waitUnmeasured(job, preferred, now);
  if (wait !== undefined) return { ...stays, action: 'Hold', reason: 'WaitingForHours', ...wait };
  const inStock = allowed.filter(({ stockOutUntil }) => stockOutUntil === undefined || stockOutUntil <= now);
  const pool = inStock.find((candidate) => room.has(candidate, wanted));
  if (pool !== undefined) {
    room.take(pool, wanted);
    const target = initialLayout(job, pool);
    return { ...stays, action: 'Start', reason: 'Admitted', message: `start with ${count(target)}`, target };
  }
  const [first] = allowed;
  const message =
    first === undefined
      ? `none of the pools ${job.limits.pools.join(', ')} is known`
      : `${wanted} GPUs are wanted for the start, pool ${first.name} has ${Math.max(0, room.of(first))}`;
  const reason = first !== undefined && inStock.length === 0 ? 'StockOut' : 'PoolFull';
  return { ...stays, action: 'Hold', reason, message };
}

/** Where its family or its declared model tells enough, the job starts as it is forecast to go best. */
function startAsForecast(
  job: JobSnapshot,
  room: Room,
  { now, pools }: Pick<Snapshot, 'now' | 'pools'>,
): DirectDecision | undefined {
  if (job.priors === undefined || job.limits.mode !== 'Auto') return undefined;
  const inStock = pools.filter(({ stockOutUntil }) => stockOutUntil === undefined || stockOutUntil <= now);
  const left = inStock.map((pool) => ({ ...pool, foreignGpus: pool.maxNodes * pool.gpusPerNode - room.of(pool) }));
  const [best] = planStart({ now, job, pools: left }).options;
  const target = best?.evaluation.configuration;
  const pool = pools.find(({ name }) => name === target?.pool);
  if (best === undefined || target === undefined || pool === undefined) return undefined;
  room.take(pool, target.replicas * job.limits.gpusPerReplica);
  const message = `start with ${count(target)} at global batch ${globalBatchSize(target)}, as it is forecast to go best`;
  const deadlineAtRisk = !best.evaluation.meetsDeadline;
  return { action: 'Start', reason: 'Admitted', message, target, until: undefined, isPromised: false, deadlineAtRisk };
}

function initialLayout({ limits }: JobSnapshot, pool: PoolSnapshot): Configuration {
  const { initialReplicas: replicas, initialMicroBatchSize: microBatchSize, gpusPerReplica } = limits;
  const dataParallelSize = replicas * ranksPerReplica(gpusPerReplica);
  const passes = Math.round(limits.initialGlobalBatchSize / microBatchSize / dataParallelSize);
  return {
    pool: pool.name,
    replicas,
    nodes: nodesFor(pool, replicas, gpusPerReplica),
    dataParallelSize,
    microBatchSize,
    gradientAccumulationSteps: Math.max(1, passes),
  };
}

/** GPUs that are free for jobs that nobody knows the end of. */
class Room {
  readonly #free = new Map<string, number>();

  constructor(
    { jobs, pools }: Snapshot,
    decided: ReadonlyMap<string, DirectDecision>,
    timelines: ReadonlyMap<string, Timeline>,
  ) {
    for (const pool of pools) {
      const reserved = timelines.get(pool.name)?.reservedLater ?? 0;
      this.#free.set(pool.name, pool.maxNodes * pool.gpusPerNode - pool.foreignGpus - reserved);
    }
    for (const job of jobs) {
      if (job.history.busyWith === 'Paused') continue;
      const { pool, replicas } = mostOf(job, decided.get(job.key));
      this.#free.set(pool, (this.#free.get(pool) ?? 0) - replicas * job.limits.gpusPerReplica);
    }
  }

  of(pool: PoolSnapshot): number {
    return this.#free.get(pool.name) ?? 0;
  }

  has(pool: PoolSnapshot, gpus: number): boolean {
    return gpus === 0 || this.of(pool) >= gpus;
  }

  take(pool: PoolSnapshot, gpus: number): void {
    this.#free.set(pool.name, this.of(pool) - gpus);
  }
}

/** The larger of what a job holds and what it will hold: GPUs given back are free only once its pods are gone. */
function mostOf({ history }: JobSnapshot, decision: DirectDecision | undefined): Configuration {
  const { current } = history;
  const target = decision?.target ?? current;
  return target.replicas > current.replicas ? target : current;
}

/**
 * What a job waits for that found no room. It counts as taken, so that the others share what is left: a first worker
 * brings more than any further one.
 */
function awaited(
  job: JobSnapshot,
  decision: DirectDecision,
  pools: readonly PoolSnapshot[],
): Configuration | undefined {
  if (job.history.busyWith !== 'Waiting' || decision.reason !== 'PoolFull' || decision.isPromised) return undefined;
  const pool = pools.find(({ name }) => job.limits.pools.includes(name));
  return pool === undefined ? undefined : initialLayout(job, pool);
}

function without(
  snapshot: Snapshot,
  decided: ReadonlyMap<string, DirectDecision>,
  timelines: ReadonlyMap<string, Timeline>,
): Snapshot {
  return {
    ...snapshot,
    jobs: snapshot.jobs.map((job) => {
      const decision = decided.get(job.key);
      if (decision === undefined) return job;
      const current = awaited(job, decision, snapshot.pools) ?? mostOf(job, decision);
      return { ...job, history: { ...job.history, current, busyWith: 'NotRunning' } };
    }),
    pools: snapshot.pools.map((pool) => {
      const reserved = timelines.get(pool.name)?.reservedLater ?? 0;
      return reserved === 0 ? pool : { ...pool, foreignGpus: pool.foreignGpus + reserved };
    }),
  };
}

function count({ replicas }: Configuration): string {
  return `${replicas} worker${replicas === 1 ? '' : 's'}`;
}
