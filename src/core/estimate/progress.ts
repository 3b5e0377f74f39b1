import type { InstantSeconds } from '../configuration.ts';
import { statisticalEfficiency } from '../model/steps-to-target.ts';
import { growth, isPlausible, type TrainerReading } from './reading.ts';

/** How far the run is, in its own steps and in reference samples (samples at the initial global batch). */
export interface Progress {
  readonly steps: number;
  readonly samples: number;
  readonly referenceSamples: number;
  /** Samples per second of wall-clock time, smoothed; undefined before two readings. */
  readonly samplesPerSecond: number | undefined;
  /** Last step the trainer told, and its last checkpoint: readings without them in between change nothing. */
  readonly trainerSteps: number | undefined;
  readonly checkpointStep: number | undefined;
  /** Instant of the last reading in which a step was done. */
  readonly lastStepAt: InstantSeconds | undefined;
}

export const NO_PROGRESS: Progress = {
  steps: 0,
  samples: 0,
  referenceSamples: 0,
  samplesPerSecond: undefined,
  trainerSteps: undefined,
  checkpointStep: undefined,
  lastStepAt: undefined,
};

const SMOOTHING = 0.5;

export function foldProgress(
  progress: Progress,
  window: {
    readonly before: TrainerReading | undefined;
    readonly reading: TrainerReading;
    readonly globalBatchSize: number | undefined;
    readonly referenceBatchSize: number;
    readonly gradientNoiseScale: number | undefined;
  },
): Progress {
  const { before, reading, globalBatchSize } = window;
  if (!isPlausible(reading.steps) || globalBatchSize === undefined) return progress;

  const steps = stepsDone(progress, reading.steps);
  const noise = window.gradientNoiseScale;
  const worth = noise === undefined ? 1 : statisticalEfficiency(noise, globalBatchSize, window.referenceBatchSize);
  const samples = steps * globalBatchSize;
  return {
    steps: Math.max(0, progress.steps + steps),
    samples: Math.max(0, progress.samples + samples),
    referenceSamples: Math.max(0, progress.referenceSamples + samples * worth),
    samplesPerSecond: smoothedRate(progress.samplesPerSecond, before, reading),
    trainerSteps: reading.steps,
    checkpointStep: isPlausible(reading.checkpointStep) ? reading.checkpointStep : progress.checkpointStep,
    lastStepAt: steps > 0 ? reading.observedAt : progress.lastStepAt,
  };
}

/**
 * Steps since the reading before. After a restart a trainer either goes on counting from its checkpoint's step
 * (the difference is then the work lost, negative) or starts again from zero (what it shows is then new work).
 */
function stepsDone({ trainerSteps: before, checkpointStep }: Progress, now: number): number {
  if (before === undefined) return now;
  if (now >= before) return now - before;
  const countsFromCheckpoint = checkpointStep !== undefined && now >= checkpointStep;
  if (countsFromCheckpoint) return now - before;
  const lost = checkpointStep === undefined ? 0 : before - checkpointStep;
  return now - Math.max(0, Math.min(lost, before));
}

function smoothedRate(
  rate: number | undefined,
  before: TrainerReading | undefined,
  reading: TrainerReading,
): number | undefined {
  const samples = growth(before?.samples, reading.samples);
  const seconds = growth(before?.observedAt, reading.observedAt);
  if (samples === undefined || seconds === undefined || seconds === 0) return rate;
  if (before?.configVersion !== reading.configVersion || rate === undefined) return samples / seconds;
  return SMOOTHING * (samples / seconds) + (1 - SMOOTHING) * rate;
}
