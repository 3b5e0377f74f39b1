import type { Configuration } from '../configuration.ts';

/**
 * Step time of data-parallel training, the compute and synchronisation terms of Pollux (Qiao et al., OSDI 2021,
 * section 3.2) without overlap: s·(a + b·m) + c·2(K−1)/K, where the last factor is that of a ring all-reduce.
 */
export interface StepTimeParameters {
  /** a: seconds that every forward and backward pass costs whatever its size. */
  readonly overheadSeconds: number;
  /** b: seconds per sample of a pass. */
  readonly secondsPerSample: number;
  /** c: seconds to move the gradients once between ranks. */
  readonly synchronizationSeconds: number;
}

type Layout = Pick<Configuration, 'dataParallelSize' | 'microBatchSize' | 'gradientAccumulationSteps'>;

/** Share of the gradients' size that a ring all-reduce over that many ranks moves, 0 for one rank. */
export function ringFactor(dataParallelSize: number): number {
  return dataParallelSize > 1 ? (2 * (dataParallelSize - 1)) / dataParallelSize : 0;
}

/** Seconds per optimizer step. */
export function stepSeconds(parameters: StepTimeParameters, layout: Layout): number {
  const pass = parameters.overheadSeconds + parameters.secondsPerSample * layout.microBatchSize;
  return (
    layout.gradientAccumulationSteps * pass + parameters.synchronizationSeconds * ringFactor(layout.dataParallelSize)
  );
}
