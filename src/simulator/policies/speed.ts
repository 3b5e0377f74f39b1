import type { SimulatedJob } from '../fleet/simulated-job.ts';
import type { PoolSpec } from '../scenario.ts';
import { canSpread, packedStepSeconds, sizeOf, stepsLeft } from './layouts.ts';

/** What a job at its user's batch can do with powers of two of GPUs: true step times, as from profiling it before. */
export interface SpeedTable {
  readonly job: SimulatedJob;
  /** Ascending; the last is the fastest, as more that is slower is left out. */
  readonly sizes: readonly { readonly gpus: number; readonly stepsPerSecond: number }[];
  readonly stepsLeft: number;
}

export function speedTable(job: SimulatedJob, pool: PoolSpec): SpeedTable {
  const { world, requested } = job.arriving;
  const batch = requested.globalBatchSize;
  const sizes: { gpus: number; stepsPerSecond: number }[] = [];
  for (let gpus = 1; gpus <= sizeOf(pool); gpus *= 2) {
    if (!canSpread(world, gpus, batch)) break;
    const stepsPerSecond = 1 / packedStepSeconds(world, pool, gpus, batch);
    if (stepsPerSecond > (sizes.at(-1)?.stepsPerSecond ?? 0)) sizes.push({ gpus, stepsPerSecond });
  }
  return { job, sizes, stepsLeft: stepsLeft(job, batch) };
}
