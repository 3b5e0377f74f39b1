import type { GpuPool } from '../../api/gpu-pool.ts';
import type { TrainingJobStatus } from '../../api/training-job.ts';
import { nodesFor } from '../../core/model/cost-rate.ts';
import { keyOf } from '../../kube/resource.ts';
import { type ClusterView, type PoolUse, podsOfJob, poolUse } from '../cluster-view.ts';
import { hasEnded } from '../ended.ts';
import type { TrainingJobObject } from '../kinds.ts';
import { isLive, isScheduled } from '../pods.ts';
import { poolOf } from '../training-job/gather.ts';

export interface Claim {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly gpus: number;
}

export interface Demand {
  readonly claims: readonly Claim[];
  /** Nodes that jobs and other people's pods need together, within the pool's limits. */
  readonly nodes: number;
  readonly use: PoolUse;
}

/**
 * How many nodes the pool needs: room for what every job has decided on or still holds, and for what others hold.
 * During a resize the larger of both sizes counts, so that nodes come before pods and go after them.
 */
export function demandOn(cluster: ClusterView, pool: GpuPool, jobs: readonly TrainingJobObject[]): Demand {
  const claims = jobs.flatMap((job) => claimOf(cluster, pool, job));
  const use = poolUse(cluster, pool);
  const { minNodes, maxNodes } = pool.spec.limits;
  const own = claims.reduce((sum, claim) => sum + nodesOfClaim(pool, claim), 0);
  const packed = Math.ceil(
    (claims.reduce((sum, claim) => sum + claim.gpus, 0) + use.foreignGpus) / pool.spec.gpusPerNode,
  );
  // Jobs whose workers fill whole nodes add up; those that share nodes are packed by the scheduler.
  const sharing = claims.every((claim) => claim.gpus % Math.max(1, claim.replicas) === 0 && fitsEvenly(pool, claim));
  const needed = sharing ? packed : own + Math.ceil(use.foreignGpus / pool.spec.gpusPerNode);
  return { claims, nodes: Math.min(maxNodes, Math.max(minNodes, needed)), use };
}

function claimOf(cluster: ClusterView, pool: GpuPool, job: TrainingJobObject): Claim[] {
  const status = job.status ?? {};
  if (poolOf(job, [pool]) === undefined) return [];
  const pods = podsOfJob(cluster, keyOf(job)).filter(isLive);
  const decided = hasEnded(status) ? 0 : decidedReplicas(status, pods.filter(isScheduled).length);
  const replicas = Math.max(pods.length, decided);
  if (replicas === 0) return [];
  const { namespace = '', name } = job.metadata;
  return [{ namespace, name, replicas, gpus: replicas * job.spec.elasticity.gpusPerReplica }];
}

/**
 * Between the end of the old workers and the scheduling of the new ones no pod holds the nodes: given back then, a node
 * could be taken away under a new worker.
 */
function decidedReplicas({ replicas = 0, resize }: TrainingJobStatus, scheduled: number): number {
  if (resize === undefined) return replicas;
  const { phase, from, to } = resize;
  if (phase === 'Starting' && scheduled >= to.replicas) return to.replicas;
  return Math.max(replicas, from.replicas, to.replicas);
}

function fitsEvenly(pool: GpuPool, claim: Claim): boolean {
  // Workers without GPUs take a node each, as their cost is counted.
  if (claim.gpus === 0) return false;
  return pool.spec.gpusPerNode % Math.max(1, claim.gpus / Math.max(1, claim.replicas)) === 0;
}

function nodesOfClaim(pool: GpuPool, claim: Claim): number {
  return nodesFor({ gpusPerNode: pool.spec.gpusPerNode }, claim.replicas, claim.gpus / Math.max(1, claim.replicas));
}
