import type { PoolSnapshot } from '../snapshot.ts';

export const SECONDS_PER_HOUR = 3600;

type PricedPool = Pick<PoolSnapshot, 'gpusPerNode' | 'billing' | 'pricePerNodeHour' | 'fillers'>;

/** Nodes that so many replicas fill on the pool. */
export function nodesFor(pool: Pick<PoolSnapshot, 'gpusPerNode'>, replicas: number, gpusPerReplica: number): number {
  if (gpusPerReplica === 0) return replicas;
  const replicasPerNode = Math.max(1, Math.floor(pool.gpusPerNode / gpusPerReplica));
  return Math.ceil(replicas / replicasPerNode);
}

/**
 * Money per hour for so many replicas, in the pool's currency. Pools billed by node charge whole nodes, since that is
 * what the invoice says, less what other jobs pay of the last one; pools billed by GPU charge the share.
 */
export function ratePerHour(pool: PricedPool, replicas: number, gpusPerReplica: number): number {
  const { gpusPerNode, pricePerNodeHour } = pool;
  if (gpusPerReplica === 0) return replicas * pricePerNodeHour;
  if (pool.billing === 'Gpu') return (pricePerNodeHour * replicas * gpusPerReplica) / gpusPerNode;
  const leftOver = gpusLeftOver(pool, replicas, gpusPerReplica);
  const filled = leftOver - Math.min(leftOver, gpusUnfilled(pool, leftOver));
  return pricePerNodeHour * (nodesFor(pool, replicas, gpusPerReplica) - filled / gpusPerNode);
}

/**
 * GPUs that nobody would use, however well the jobs' rests are packed into nodes. Where the others' rests make a node and
 * more, some of them fit and change soon: then the last node counts as filled.
 */
function gpusUnfilled({ gpusPerNode, fillers = 0 }: PricedPool, leftOver: number): number {
  if (leftOver === 0 || fillers >= gpusPerNode) return 0;
  const rests = fillers + gpusPerNode - leftOver;
  return Math.ceil(rests / gpusPerNode) * gpusPerNode - rests;
}

/** GPUs of the last node that so many replicas leave to others. */
export function gpusLeftOver(
  pool: Pick<PoolSnapshot, 'gpusPerNode'>,
  replicas: number,
  gpusPerReplica: number,
): number {
  if (gpusPerReplica === 0 || replicas === 0) return 0;
  const replicasPerNode = Math.max(1, Math.floor(pool.gpusPerNode / gpusPerReplica));
  const onLast = replicas - (nodesFor(pool, replicas, gpusPerReplica) - 1) * replicasPerNode;
  return Math.max(0, pool.gpusPerNode - onLast * gpusPerReplica);
}
