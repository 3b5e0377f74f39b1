import type { InstantSeconds } from '../configuration.ts';

/**
 * One look at a job's trainers: what their metrics pages said, summed or reduced over the ranks.
 * Counters are raw; every field that no rank reports is undefined.
 */
export interface TrainerReading {
  /** When the oldest of the ranks' pages was scraped. */
  readonly observedAt: InstantSeconds;
  /** Ranks that reported. */
  readonly ranks: number;
  /** Optimizer steps; the same on all ranks. */
  readonly steps: number | undefined;
  /** Samples of all ranks together. */
  readonly samples: number | undefined;
  /** Sums over ranks of the step-time histogram, phase total. */
  readonly stepSecondsSum: number | undefined;
  readonly stepSecondsCount: number | undefined;
  /** The same sums of the phases compute and synchronization, where the trainer tells them apart. */
  readonly computeSecondsSum: number | undefined;
  readonly synchronizationSecondsSum: number | undefined;
  /** Sums over ranks of the gradient observations. */
  readonly gradientSmallSum: number | undefined;
  readonly gradientLargeSum: number | undefined;
  readonly gradientObservations: number | undefined;
  readonly gradientSmallBatch: number | undefined;
  readonly gradientLargeBatch: number | undefined;
  readonly loss: number | undefined;
  readonly validationLoss: number | undefined;
  /** Largest of the ranks. */
  readonly memoryUsedBytes: number | undefined;
  /** Smallest of the ranks. */
  readonly memoryLimitBytes: number | undefined;
  /** Oldest version in force on any rank. */
  readonly configVersion: number | undefined;
  readonly configAppliedStep: number | undefined;
  readonly rejectedVersion: number | undefined;
  readonly rejectionReason: string | undefined;
  readonly checkpointStep: number | undefined;
  readonly checkpointRequest: number | undefined;
  readonly targetSteps: number | undefined;
  readonly completedRatio: number | undefined;
}

/** Exporters write "no value" as the largest signed 64-bit integer; nothing that is measured here comes near it. */
const BLANK = 9.2e18;

/** True for a number that a measurement can be: finite, not negative, and not an exporter's word for "no value". */
export function isPlausible(value: number | undefined): value is number {
  return value !== undefined && value >= 0 && value < BLANK;
}

/** Growth of a counter, or undefined when it is unknown, fell, or is no number. */
export function growth(before: number | undefined, after: number | undefined): number | undefined {
  if (!isPlausible(before) || !isPlausible(after) || after < before) return undefined;
  return after - before;
}
