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
  /** What a profile of it says before it starts: speed at that batch by number of GPUs. Undefined: there is none. */
  readonly profiled?: readonly { readonly gpus: number; readonly samplesPerSecond: number }[];
  /** Whether its batch may be changed. */
  readonly batchIsFree: boolean;
}
