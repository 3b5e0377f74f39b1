import type { Configuration } from '../configuration.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from '../snapshot.ts';

/** GPUs that a job holds. */
export function heldGpus({ history, limits }: JobSnapshot): number {
  return history.busyWith === 'Paused' ? 0 : history.current.replicas * limits.gpusPerReplica;
}

/** GPUs of each pool that no job holds. Running jobs hold theirs from the start. */
export class FreeGpus {
  readonly #free = new Map<string, number>();

  constructor(snapshot: Snapshot) {
    for (const pool of snapshot.pools) this.#free.set(pool.name, pool.maxNodes * pool.gpusPerNode - pool.foreignGpus);
    for (const job of snapshot.jobs) this.#change(job.history.current.pool, -heldGpus(job));
  }

  of(pool: PoolSnapshot, job: JobSnapshot): number {
    const own = job.history.current.pool === pool.name ? heldGpus(job) : 0;
    return (this.#free.get(pool.name) ?? 0) + own;
  }

  take(job: JobSnapshot, target: Configuration): void {
    const wanted = target.replicas * job.limits.gpusPerReplica;
    const own = job.history.current.pool === target.pool ? heldGpus(job) : 0;
    // What a shrinking job gives back is free only once its pods are gone, so it is not lent out in this cycle.
    if (wanted > own) this.#change(target.pool, own - wanted);
  }

  #change(pool: string, gpus: number): void {
    this.#free.set(pool, (this.#free.get(pool) ?? 0) + gpus);
  }
}
