import type { PoolSpec } from '../scenario.ts';

export interface SimulatedNode {
  readonly id: number;
  readonly pool: PoolSpec;
  readonly launchedAt: number;
  readonly readyAt: number;
  /** GPUs that each job holds on it. */
  readonly held: Map<string, number>;
  /** Since when no job holds a GPU on it; undefined while one does. */
  idleSince: number | undefined;
  /** When it is taken away, by the draw of its lifetime; infinite for most. */
  readonly lostAt: number;
}

/** GPUs of a job on each of its nodes. */
export interface Grant {
  readonly pool: PoolSpec;
  readonly parts: readonly { readonly node: SimulatedNode; readonly gpus: number }[];
}

export interface ClusterOptions {
  readonly pools: readonly PoolSpec[];
  /** Whether a pool delivers nodes at this instant. */
  readonly delivers: (pool: string, now: number) => boolean;
  /** Seconds until a new node is taken away; infinite when never. */
  readonly lifetimeSeconds: () => number;
}

/** Nodes of all pools and who holds their GPUs. Elastic pools launch nodes when wanted and give idle ones back. */
export class Cluster {
  readonly pools: readonly PoolSpec[];
  readonly #options: ClusterOptions;
  #nodes: SimulatedNode[] = [];
  #nextId = 0;

  constructor(options: ClusterOptions) {
    this.#options = options;
    this.pools = options.pools;
    for (const pool of options.pools) {
      for (let count = standing(pool); count > 0; count--) this.#launch(pool, 0, 0);
    }
  }

  /** All nodes that are paid for. */
  get nodes(): readonly SimulatedNode[] {
    return this.#nodes;
  }

  /** GPUs that a job could be granted now, new nodes included. */
  freeGpus(pool: PoolSpec, now: number): number {
    const nodes = this.#nodes.filter((node) => node.pool === pool);
    const launchable = this.#options.delivers(pool.name, now) ? pool.maxNodes - nodes.length : 0;
    return nodes.reduce((sum, node) => sum + freeOn(node), 0) + launchable * pool.gpusPerNode;
  }

  /**
   * Grants GPUs by best fit: whole nodes for as long as the job fills them, then the node with the least room that
   * takes the rest, then what is left over where it is. Nodes that run come before new ones. Undefined, and nothing
   * changed, when the pool has too few.
   */
  grant(
    job: string,
    pool: PoolSpec,
    gpus: number,
    now: number,
    avoid: ReadonlySet<SimulatedNode> = new Set(),
  ): Grant | undefined {
    if (this.freeGpus(pool, now) < gpus) return undefined;
    const parts: { node: SimulatedNode; gpus: number }[] = [];
    let left = gpus;
    while (left > 0) {
      const node = this.#bestFit(pool, left, now, avoid) ?? this.#launch(pool, now, pool.provisioningSeconds);
      const taken = Math.min(left, freeOn(node));
      node.held.set(job, (node.held.get(job) ?? 0) + taken);
      node.idleSince = undefined;
      parts.push({ node, gpus: taken });
      left -= taken;
    }
    return { pool, parts };
  }

  /** Gives back all that the job holds and is not part of `keep`. */
  release(job: string, now: number, keep?: Grant): void {
    for (const node of this.#nodes) {
      if (!node.held.has(job)) continue;
      const kept = keep?.parts.find((part) => part.node === node)?.gpus ?? 0;
      if (kept > 0) node.held.set(job, kept);
      else node.held.delete(job);
      if (node.held.size === 0) node.idleSince = now;
    }
  }

  /** Has the job hold, beside what it was granted, what it still runs on. */
  holdBoth(job: string, one: Grant, other: Grant): void {
    for (const part of [...one.parts, ...other.parts]) {
      part.node.held.set(job, Math.max(part.gpus, part.node.held.get(job) ?? 0));
      part.node.idleSince = undefined;
    }
  }

  /** Gives back the nodes of elastic pools that have been idle for long enough. */
  releaseIdle(now: number): void {
    const due = (node: SimulatedNode) =>
      node.idleSince !== undefined && node.idleSince + node.pool.idleReleaseSeconds <= now;
    const counts = new Map<PoolSpec, number>();
    for (const node of this.#nodes) counts.set(node.pool, (counts.get(node.pool) ?? 0) + 1);
    this.#nodes = this.#nodes.filter((node) => {
      const count = counts.get(node.pool) ?? 0;
      if (!due(node) || count <= standing(node.pool)) return true;
      counts.set(node.pool, count - 1);
      return false;
    });
  }

  /** When the next idle node may be given back, or the next one is taken away. */
  nextChangeAt(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const node of this.#nodes) {
      next = Math.min(next, node.lostAt);
      if (node.idleSince === undefined || node.pool.kind === 'Paid') continue;
      const due = node.idleSince + node.pool.idleReleaseSeconds;
      if (due > now) next = Math.min(next, due);
    }
    return next;
  }

  /** Takes away the nodes whose time has come; returns the jobs that ran on them. */
  loseNodes(now: number): readonly string[] {
    const lost = this.#nodes.filter((node) => node.lostAt <= now);
    if (lost.length === 0) return [];
    this.#nodes = this.#nodes.filter((node) => node.lostAt > now);
    for (const pool of this.pools) {
      let missing = standing(pool) - this.#nodes.filter((node) => node.pool === pool).length;
      for (; missing > 0; missing--) this.#launch(pool, now, pool.provisioningSeconds);
    }
    return [...new Set(lost.flatMap((node) => [...node.held.keys()]))];
  }

  #bestFit(pool: PoolSpec, wanted: number, now: number, avoid: ReadonlySet<SimulatedNode>): SimulatedNode | undefined {
    let best: SimulatedNode | undefined;
    const want = Math.min(wanted, pool.gpusPerNode);
    for (const node of this.#nodes) {
      if (node.pool !== pool || freeOn(node) === 0 || avoid.has(node)) continue;
      if (best === undefined || fitsBetter(freeOn(node), freeOn(best), want)) best = node;
    }
    if (best === undefined || freeOn(best) >= want) return best;
    // A new node holds together what would be torn apart: exchange between nodes is several times slower.
    const count = this.#nodes.filter((node) => node.pool === pool).length;
    return count < pool.maxNodes && this.#options.delivers(pool.name, now) ? undefined : best;
  }

  #launch(pool: PoolSpec, now: number, seconds: number): SimulatedNode {
    this.#nextId += 1;
    const node: SimulatedNode = {
      id: this.#nextId,
      pool,
      launchedAt: now,
      readyAt: now + seconds,
      held: new Map(),
      idleSince: now,
      lostAt: now + this.#options.lifetimeSeconds(),
    };
    this.#nodes.push(node);
    return node;
  }
}

/** Nodes that a pool has whether or not they are used. */
function standing(pool: PoolSpec): number {
  return pool.kind === 'Paid' ? pool.maxNodes : pool.minNodes;
}

export function freeOn(node: SimulatedNode): number {
  let free = node.pool.gpusPerNode;
  for (const gpus of node.held.values()) free -= gpus;
  return free;
}

/** Room for all comes before room for a part; then the least room that takes all, or the most that takes a part. */
function fitsBetter(room: number, other: number, want: number): boolean {
  if (room >= want && other >= want) return room < other;
  return room > other;
}
