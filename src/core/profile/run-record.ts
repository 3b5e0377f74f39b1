import type { InstantSeconds } from '../configuration.ts';

/** What one run of a family taught: all that the next run can begin with. */
export interface RunRecord {
  /** Of the TrainingJob: by it a run is told from every other, in any cluster. */
  readonly uid: string;
  readonly job: string;
  readonly endedAt: InstantSeconds;
  readonly outcome: 'Complete' | 'Failed';
  /** Type of the GPUs that it ran on last. */
  readonly gpuType: string;
  /** That it ran on last; undefined for a run recorded without it. */
  readonly pool?: string | undefined;
  readonly replicas: number;
  /** What it ended with. */
  readonly globalBatchSize: number;
  readonly microBatchSize: number;
  /** The batch at which its reference samples are counted. */
  readonly initialGlobalBatchSize: number;
  readonly referenceSamples: number;
  readonly seconds: number;
  readonly cost: number;
  readonly currency: string;
  /** Ends of the batches that it trained with. */
  readonly batchBand: { readonly lowest: number; readonly highest: number };
  /** The loss at which it was to end, where it was. */
  readonly targetLoss: number | undefined;
  readonly stepTime: StepTimeRecord | undefined;
  readonly noise: readonly NoiseRecord[];
  readonly memory: readonly MemoryRecord[];
  readonly restartSeconds: number | undefined;
  /** What was forecast of the whole run when it was first judged. */
  readonly predicted: { readonly seconds: number; readonly cost: number } | undefined;
}

/** Posterior of the step-time parameters' logarithms (`step-time-prior.ts`). */
export interface StepTimeRecord {
  readonly logMeans: readonly number[];
  /** Lower triangle, row after row. */
  readonly logCovariance: readonly number[];
  readonly largestDataParallelSize: number;
}

export interface NoiseRecord {
  readonly referenceSamples: number;
  readonly gradientNoiseScale: number;
}

export interface MemoryRecord {
  readonly microBatchSize: number;
  readonly usedBytes: number;
}

/** The lower triangle of a symmetric matrix of so many rows. */
export function lowerTriangle(matrix: readonly number[], size: number): readonly number[] {
  return matrix.filter((_, at) => at % size <= Math.floor(at / size));
}

/** The whole matrix again. */
export function fromLowerTriangle(triangle: readonly number[], size: number): readonly number[] {
  const at = (row: number, column: number) => triangle[(row * (row + 1)) / 2 + column] ?? Number.NaN;
  return Array.from({ length: size * size }, (_, index) => {
    const row = Math.floor(index / size);
    const column = index % size;
    return row >= column ? at(row, column) : at(column, row);
  });
}
