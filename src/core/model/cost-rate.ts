import type { PoolSnapshot } from '../snapshot.ts';

export const SECONDS_PER_HOUR = 3600;

type PricedPool = Pick<PoolSnapshot, 'gpusPerNode' | 'billing' | 'pricePerNodeHour'>;

/** Nodes that so many replicas fill on the pool. */
export function nodesFor(pool: Pick<PoolSnapshot, 'gpusPerNode'>, replicas: number, gpusPerReplica: number): number {
  if (gpusPerReplica === 0) return replicas;
  const replicasPerNode = Math.max(1, Math.floor(pool.gpusPerNode / gpusPerReplica));
  return Math.ceil(replicas / replicasPerNode);
}

/**
 * Money per hour for so many replicas, in the pool's currency. Pools billed by node charge whole nodes, since that is
 * what the invoice says; pools billed by GPU charge the share.
 */
export function ratePerHour(pool: PricedPool, replicas: number, gpusPerReplica: number): number {
  if (pool.billing === 'Gpu' && gpusPerReplica > 0) {
    return (pool.pricePerNodeHour * replicas * gpusPerReplica) / pool.gpusPerNode;
  }
  return nodesFor(pool, replicas, gpusPerReplica) * pool.pricePerNodeHour;
}
