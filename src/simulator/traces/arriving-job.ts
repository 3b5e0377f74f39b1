import type { TrainingWorld } from '../world/training-world.ts';

/** A job as it comes in. */
export interface ArrivingJob {
  readonly name: string;
  readonly world: TrainingWorld;
  /** Seconds since the start of the simulation, like the deadline. */
  readonly submittedAt: number;
  readonly deadline: number | undefined;
  /** What its user asked for. */
  readonly requested: { readonly gpus: number; readonly globalBatchSize: number };
  /** Whether its batch may be changed. */
  readonly batchIsFree: boolean;
}
