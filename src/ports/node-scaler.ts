import type { GpuPool } from '../api/gpu-pool.ts';

export interface NodeCount {
  /** Nodes asked for. */
  readonly desired: number;
  /** Passed back to `setNodes`, so that a change by someone else in between is noticed. */
  readonly token: string | undefined;
}

/** Why a pool cannot be scaled; the words are reasons of the GPUPool's condition ScalerAvailable. */
export type ScalerProblem = 'TargetNotFound' | 'Forbidden' | 'NotScalable';

export class ScalerError extends Error {
  override readonly name = 'ScalerError';
  readonly problem: ScalerProblem;

  constructor(problem: ScalerProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** How the number of nodes of a pool is read and changed. */
export interface NodeScaler {
  /** Throws ScalerError when the target cannot be read; undefined for a pool that is left to others. */
  read(pool: GpuPool): Promise<NodeCount | undefined>;
  /** Asks for so many nodes. Idempotent. Throws ScalerError, or a conflict when the target changed meanwhile. */
  setNodes(pool: GpuPool, nodes: number, token: string | undefined): Promise<void>;
}
