import type { Cluster, Grant, SimulatedNode } from '../cluster/cluster.ts';
import type { PoolSpec, Scenario } from '../scenario.ts';
import { layoutOn, type SimulatedJob, type Target } from './simulated-job.ts';

/** What a policy wants of one job. */
export type Order =
  | { readonly job: SimulatedJob; readonly kind: 'Run'; readonly target: Target }
  /** Restarted as it is where it fits best, but not on the node that it has to leave. */
  | { readonly job: SimulatedJob; readonly kind: 'Move'; readonly off: SimulatedNode | undefined }
  | { readonly job: SimulatedJob; readonly kind: 'Pause' }
  | { readonly job: SimulatedJob; readonly kind: 'Refuse' };

/**
 * Carries decisions out, in the order and time that they take in a cluster: a batch is reloaded within seconds; other
 * GPUs mean that nodes come first while the job runs on, then a checkpoint, and a restart on what was granted.
 */
export class CarryOut {
  readonly #cluster: Cluster;
  readonly #scenario: Scenario;

  constructor(cluster: Cluster, scenario: Scenario) {
    this.#cluster = cluster;
    this.#scenario = scenario;
  }

  /** What gives GPUs back comes before what takes them. */
  apply(orders: readonly Order[], now: number): void {
    for (const order of orders) {
      if (order.kind === 'Pause' || order.kind === 'Refuse') this.#stop(order.job, order.kind, now);
    }
    const wanted = orders.flatMap((order) => (order.kind === 'Run' ? [order] : []));
    const growth = ({ job, target }: (typeof wanted)[number]) => target.gpus - job.gpus;
    for (const { job, target } of [...wanted].sort((one, other) => growth(one) - growth(other))) {
      this.#run(job, target, now);
    }
    for (const order of orders) if (order.kind === 'Move') this.#move(order.job, order.off, now);
  }

  /** Lets a begun change take effect once its time has come. */
  proceed(job: SimulatedJob, now: number): void {
    while (job.pending !== undefined && job.pending.at <= now) {
      const { pending } = job;
      job.pending = undefined;
      if (pending.what === 'NodesReady') this.#moveTo(job, pending.grant, now);
      else if (pending.what === 'Reload') this.#reload(job);
      else this.#begin(job);
    }
  }

  /** A run that lost its node starts again with what it had, as soon as there is room. */
  restoreInterrupted(job: SimulatedJob, now: number): void {
    if (job.state === 'Waiting' && job.target !== undefined && job.pending === undefined) this.#place(job, now);
  }

  interrupt(job: SimulatedJob, now: number): void {
    job.interruptions += 1;
    job.run.stop('Lost');
    this.#cluster.release(job.name, now);
    job.grant = undefined;
    job.pending = undefined;
    job.state = 'Waiting';
  }

  finish(job: SimulatedJob, now: number): void {
    job.run.stop('Saved');
    this.#cluster.release(job.name, now);
    job.grant = undefined;
    job.pending = undefined;
    job.state = 'Ended';
    job.finishedAt = now;
  }

  #stop(job: SimulatedJob, kind: 'Pause' | 'Refuse', now: number): void {
    job.run.stop('Saved');
    this.#cluster.release(job.name, now);
    job.grant = undefined;
    job.pending = undefined;
    job.target = undefined;
    if (kind === 'Refuse') job.refused = true;
    else if (job.state !== 'Paused' && job.startedAt !== undefined) job.rescales += 1;
    job.state = kind === 'Refuse' ? 'Ended' : job.startedAt === undefined ? 'Waiting' : 'Paused';
  }

  #run(job: SimulatedJob, target: Target, now: number): void {
    const { target: before } = job;
    if (before !== undefined && sameTarget(before, target)) return;
    const sameGpus = before !== undefined && before.pool === target.pool && before.gpus === target.gpus;
    const sameBatch = before?.globalBatchSize === target.globalBatchSize;
    if (sameGpus && job.state === 'Running' && job.pending === undefined) {
      job.setTarget(target);
      if (!sameBatch) job.batchChanges += 1;
      job.reloadedAt = now;
      job.pending = { at: now + this.#scenario.reloadSeconds, what: 'Reload' };
      return;
    }
    const { version } = job;
    const isFirst = job.startedAt === undefined;
    job.setTarget(target);
    if (!this.#place(job, now)) {
      // There is no room: everything stays as it was.
      job.target = before;
      job.targets.delete(job.version);
      job.version = version;
      return;
    }
    if (before !== undefined && !sameBatch) {
      job.batchChanges += 1;
      job.reloadedAt = now;
    }
    if (isFirst) return;
    if (!sameGpus) job.rescales += 1;
    job.resizedAt.push(now);
  }

  #move(job: SimulatedJob, off: SimulatedNode | undefined, now: number): void {
    const { target, version } = job;
    if (target === undefined || job.state !== 'Running' || job.pending !== undefined) return;
    job.setTarget({ ...target });
    if (this.#place(job, now, new Set(off === undefined ? [] : [off]))) {
      job.rescales += 1;
      job.resizedAt.push(now);
      return;
    }
    job.target = target;
    job.targets.delete(job.version);
    job.version = version;
  }

  /** Takes the GPUs of the target; false, and nothing changed, when there are too few. */
  #place(job: SimulatedJob, now: number, avoid?: ReadonlySet<SimulatedNode>): boolean {
    const { target, grant: before } = job;
    const pool = this.#poolOf(target);
    if (target === undefined || pool === undefined) return false;
    this.#cluster.release(job.name, now);
    const grant = this.#cluster.grant(job.name, pool, target.gpus, now, avoid);
    if (grant === undefined) {
      if (before !== undefined) this.#cluster.holdBoth(job.name, before, before);
      return false;
    }
    const readyAt = Math.max(now, ...grant.parts.map((part) => part.node.readyAt));
    if (before !== undefined) this.#cluster.holdBoth(job.name, before, grant);
    if (job.state === 'Paused') job.state = 'Waiting';
    job.pending = { at: readyAt, what: 'NodesReady', grant };
    this.proceed(job, now);
    return true;
  }

  #moveTo(job: SimulatedJob, grant: Grant, now: number): void {
    if (job.run.layout !== undefined) job.run.stop('Saved');
    this.#cluster.release(job.name, now, grant);
    job.grant = grant;
    job.state = 'Restarting';
    job.startedAt ??= now;
    job.pending = { at: now + this.#scenario.restartSeconds, what: 'RestartDone' };
  }

  #begin(job: SimulatedJob): void {
    const { grant, target } = job;
    if (grant === undefined || target === undefined) return;
    job.state = 'Running';
    job.run.start(layoutOn(grant, target), job.version);
  }

  #reload(job: SimulatedJob): void {
    const { grant, target } = job;
    if (grant === undefined || target === undefined) return;
    job.run.reload(layoutOn(grant, target), job.version);
  }

  #poolOf(target: Target | undefined): PoolSpec | undefined {
    return this.#cluster.pools.find((pool) => pool.name === target?.pool);
  }
}

function sameTarget(one: Target, other: Target): boolean {
  return (
    one.pool === other.pool &&
    one.gpus === other.gpus &&
    one.globalBatchSize === other.globalBatchSize &&
    one.microBatchSize === other.microBatchSize &&
    one.gradientAccumulationSteps === other.gradientAccumulationSteps
  );
}
