/** Seconds since the Unix epoch. */
export type InstantSeconds = number;

/** How one training run is laid out on its workers. */
export interface Configuration {
  readonly pool: string;
  /** Workers: pods of the run. */
  readonly replicas: number;
  /** Nodes that the ranks stand on: gradients cross a network as soon as there are two. */
  readonly nodes: number;
  /** Data-parallel ranks over all workers: one per GPU, or one per worker without GPUs. */
  readonly dataParallelSize: number;
  /** Samples in one forward and backward pass of one rank. */
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
}

/** Samples per optimizer step over all ranks. */
export function globalBatchSize(configuration: Configuration): number {
  return configuration.microBatchSize * configuration.gradientAccumulationSteps * configuration.dataParallelSize;
}

export function ranksPerReplica(gpusPerReplica: number): number {
  return Math.max(1, gpusPerReplica);
}

export function sameBatch(one: Configuration, other: Configuration): boolean {
  return (
    one.microBatchSize === other.microBatchSize && one.gradientAccumulationSteps === other.gradientAccumulationSteps
  );
}

export function samePlacement(
  one: Pick<Configuration, 'pool' | 'replicas'>,
  other: Pick<Configuration, 'pool' | 'replicas'>,
): boolean {
  return one.pool === other.pool && one.replicas === other.replicas;
}
