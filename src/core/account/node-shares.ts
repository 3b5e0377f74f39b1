/** One node that stands, and who holds its GPUs. */
export interface StandingNode {
  readonly name: string;
  readonly held: readonly { readonly key: string; readonly gpus: number }[];
  /** GPUs, or pods where a node has no GPUs, of somebody who is not a TrainingJob. */
  readonly foreignGpus: number;
}

/** A job that has been given GPUs of the pool which have no node yet. */
export interface AwaitingJob {
  readonly key: string;
  readonly gpus: number;
}

export interface NodeShares {
  /** Nodes by job, in parts. */
  readonly byJob: ReadonlyMap<string, number>;
  readonly foreign: number;
  /** Nodes that nobody wanted: kept by the pool's limits, or left by jobs of which nothing is known any more. */
  readonly unclaimed: number;
  /** Who held each node last, for the next look. */
  readonly lastHeld: ReadonlyMap<string, StandingNode['held']>;
}

/**
 * Whose nodes they are, whole nodes as the invoice says: one that is used belongs to its users by the GPUs that they
 * hold, whatever of it stands idle; an empty one to the jobs that wait for nodes, else to those that used it last, until
 * it is given back. The parts always add up to the nodes.
 */
export function shareNodes(
  nodes: readonly StandingNode[],
  awaiting: readonly AwaitingJob[],
  lastHeld: ReadonlyMap<string, StandingNode['held']>,
): NodeShares {
  const byJob = new Map<string, number>();
  const held = new Map<string, StandingNode['held']>();
  let foreign = 0;
  let unclaimed = 0;
  const give = (users: StandingNode['held'], nodesGiven: number) => {
    const all = users.reduce((sum, { gpus }) => sum + weight(gpus), 0);
    for (const { key, gpus } of users) byJob.set(key, (byJob.get(key) ?? 0) + (nodesGiven * weight(gpus)) / all);
  };
  for (const node of nodes) {
    const own = node.held.reduce((sum, { gpus }) => sum + weight(gpus), 0);
    if (own + node.foreignGpus > 0) {
      const ownPart = own / (own + node.foreignGpus);
      if (own > 0) {
        give(node.held, ownPart);
        held.set(node.name, node.held);
      }
      foreign += 1 - ownPart;
    } else if (awaiting.length > 0) give(awaiting, 1);
    else {
      const before = lastHeld.get(node.name);
      if (before === undefined) unclaimed += 1;
      else {
        give(before, 1);
        held.set(node.name, before);
      }
    }
  }
  return { byJob, foreign, unclaimed, lastHeld: held };
}

/** A worker without GPUs counts as one. */
const weight = (gpus: number) => (gpus > 0 ? gpus : 1);
