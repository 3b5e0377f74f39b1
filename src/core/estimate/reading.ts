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

/** True for a number that a measurement can be: finite and not negative. */
export function isPlausible(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value) && value >= 0;
}

/** Growth of a counter, or undefined when it is unknown, fell, or is no number. */
export function growth(before: number | undefined, after: number | undefined): number | undefined {
  if (!isPlausible(before) || !isPlausible(after) || after < before) return undefined;
  return after - before;
}
