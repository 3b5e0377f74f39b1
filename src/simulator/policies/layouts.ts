import type { SimulatedJob, Target } from '../fleet/simulated-job.ts';
import type { PoolSpec } from '../scenario.ts';
import { packed, splitBatch, type TrainingWorld } from '../world/training-world.ts';

/** A batch on so many GPUs of a pool, with as few passes as memory allows. */
export function targetFor(world: TrainingWorld, pool: PoolSpec, gpus: number, globalBatchSize: number): Target {
  return { pool: pool.name, gpus, globalBatchSize, ...splitBatch(world, globalBatchSize, gpus) };
}

/** True step time with the GPUs on as few nodes as possible. */
export function packedStepSeconds(world: TrainingWorld, pool: PoolSpec, gpus: number, globalBatchSize: number): number {
  const placement = packed(gpus, pool.gpusPerNode);
  return world.stepSeconds({ placement, ...splitBatch(world, globalBatchSize, gpus) }).total;
}

/** Whether a batch can be spread over so many GPUs without going below the least that each was measured with. */
export function canSpread(world: TrainingWorld, gpus: number, globalBatchSize: number): boolean {
  return gpus <= world.maxGpus && splitBatch(world, globalBatchSize, gpus).microBatchSize >= world.minMicroBatchSize;
}

/** Steps left at this batch. */
export function stepsLeft(job: SimulatedJob, globalBatchSize: number): number {
  const course = job.arriving.world.course(globalBatchSize);
  return course.steps - course.stepsAt(job.run.share);
}

/** The pool with the most GPUs: the peers here know one pool only. */
export function mainPool(pools: readonly PoolSpec[]): PoolSpec {
  const [pool] = [...pools].sort((one, other) => sizeOf(other) - sizeOf(one));
  if (pool === undefined) throw new Error('a cluster has one pool or more');
  return pool;
}

export function sizeOf(pool: PoolSpec): number {
  return pool.maxNodes * pool.gpusPerNode;
}
