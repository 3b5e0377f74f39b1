import type { StepSeconds } from '../training-profile.ts';

/** GPUs of a job on each of its nodes, fewest first. */
export type Placement = readonly number[];

/** The truth about one training: what the planner has to find out. */
export interface TrainingWorld {
  readonly application: string;
  /** Smallest batch that was trained with: work is counted in samples at this one. */
  readonly referenceBatchSize: number;
  readonly maxGlobalBatchSize: number;
  readonly minMicroBatchSize: number;
  /** Largest micro batch that fits into a GPU's memory. */
  readonly maxMicroBatchSize: number;
  /** Most GPUs that step times were measured for. */
  readonly maxGpus: number;
  /** Batches with a measured training, ascending. */
  readonly measuredBatchSizes: readonly number[];
  stepSeconds(layout: WorldLayout): StepSeconds;
  /** Training at this global batch from start to end. */
  course(globalBatchSize: number): Course;
}

export interface WorldLayout {
  readonly placement: Placement;
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
}

/** A training at one global batch: how far so many of its steps lead. `share` is the part of the training done, 0 to 1. */
export interface Course {
  /** Steps from start to end. */
  readonly steps: number;
  stepsAt(share: number): number;
  shareAt(steps: number): number;
  /** |G|² and tr Σ (for one sample) on average over that part; undefined where none were measured. */
  gradients(fromShare: number, toShare: number): GradientMoments | undefined;
}

export interface GradientMoments {
  readonly signal: number;
  readonly trace: number;
}

/** Micro batch and passes for one rank's part of a batch: as few passes as memory allows, rounded up. */
export function splitBatch(
  world: TrainingWorld,
  globalBatchSize: number,
  ranks: number,
): Omit<WorldLayout, 'placement'> {
  const perRank = Math.ceil(globalBatchSize / ranks - 1e-8);
  const gradientAccumulationSteps = Math.max(1, Math.ceil(perRank / world.maxMicroBatchSize - 1e-8));
  return { microBatchSize: Math.ceil(perRank / gradientAccumulationSteps - 1e-8), gradientAccumulationSteps };
}

/** As few nodes as possible, all but one of them full. */
export function packed(gpus: number, gpusPerNode: number): Placement {
  const full = Array.from({ length: Math.floor(gpus / gpusPerNode) }, () => gpusPerNode);
  const rest = gpus % gpusPerNode;
  return rest === 0 ? full : [rest, ...full];
}

/** Seconds of the whole training on a fixed layout, without restarts. */
export function heldSeconds(world: TrainingWorld, placement: Placement, globalBatchSize: number): number {
  const ranks = placement.reduce((sum, gpus) => sum + gpus, 0);
  const layout = { placement, ...splitBatch(world, globalBatchSize, ranks) };
  return world.course(globalBatchSize).steps * world.stepSeconds(layout).total;
}
