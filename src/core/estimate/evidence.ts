import type { Configuration, InstantSeconds } from '../configuration.ts';
import { globalBatchSize } from '../configuration.ts';
import { foldLoss, type LossPoint } from './loss-curve.ts';
import { foldMemory, type MemoryPoint } from './memory.ts';
import { foldNoise, NO_NOISE_EVIDENCE, type NoiseEvidence, noiseScaleValue } from './noise-scale.ts';
import { foldNoiseTrail, type NoisePoint } from './noise-trend.ts';
import { foldProgress, NO_PROGRESS, type Progress } from './progress.ts';
import { growth, isPlausible, type TrainerReading } from './reading.ts';
import { type ChangeWatch, foldStepTime, NO_STEP_TIMES } from './step-time.ts';
import type { StepTimePoint } from './step-time-point.ts';
import type { WindowScatter } from './window-scatter.ts';

/**
 * What a job's readings taught so far: bounded, serialisable, and enough to go on after a restart of the operator.
 */
export interface Evidence {
  /** Of the layout in force last, once it has been timed. */
  readonly stepTimes: readonly StepTimePoint[];
  readonly scatter: WindowScatter;
  /** What may be a change of the machine, not yet believed. */
  readonly watch: ChangeWatch;
  /** When the machine was last found to have become faster or slower; undefined when never. */
  readonly changedAt: InstantSeconds | undefined;
  readonly noise: NoiseEvidence;
  readonly noiseTrail: readonly NoisePoint[];
  readonly memory: readonly MemoryPoint[];
  readonly losses: readonly LossPoint[];
  readonly progress: Progress;
  /** Readings in a row under the configuration in force, the first one after a change not counted. */
  readonly cleanReadings: number;
  readonly last: TrainerReading | undefined;
}

export const NO_EVIDENCE: Evidence = {
  stepTimes: NO_STEP_TIMES.points,
  scatter: NO_STEP_TIMES.scatter,
  watch: NO_STEP_TIMES.watch,
  changedAt: undefined,
  noise: NO_NOISE_EVIDENCE,
  noiseTrail: [],
  memory: [],
  losses: [],
  progress: NO_PROGRESS,
  cleanReadings: 0,
  last: undefined,
};

/**
 * Adds one reading. `inForce` is the configuration that the reading's `configVersion` stands for, or undefined when
 * that version is not known, in which case only the reading itself is kept.
 *
 * Cost: constant in the number of readings; at most 12 step-time points, 8 memory points, 24 points of the noise scale and 32 loss points are kept.
 */
export function foldReading(
  evidence: Evidence,
  reading: TrainerReading,
  inForce: Configuration | undefined,
  initialGlobalBatchSize: number,
): Evidence {
  const before = evidence.last;
  if (!isPlausible(reading.observedAt)) return evidence;
  if (before !== undefined && reading.observedAt <= before.observedAt) return evidence;
  // A reading without its two main counters says only that it came; the next one begins a new window.
  if (!isPlausible(reading.steps) || !isPlausible(reading.samples)) return { ...evidence, last: reading };

  // 1. A window counts only when the same ranks ran the same configuration from its start to its end.
  const steps = growth(before?.steps, reading.steps);
  const clean =
    before !== undefined &&
    inForce !== undefined &&
    steps !== undefined &&
    before.ranks === reading.ranks &&
    reading.ranks === inForce.dataParallelSize &&
    before.configVersion === reading.configVersion &&
    isPlausible(reading.configVersion);

  // 2. Work done counts whether or not the window is clean.
  const progress = foldProgress(evidence.progress, {
    before,
    reading,
    globalBatchSize: inForce === undefined ? undefined : globalBatchSize(inForce),
    referenceBatchSize: initialGlobalBatchSize,
    gradientNoiseScale: noiseScaleValue(evidence.noise),
  });
  const losses = foldLoss(evidence.losses, progress.referenceSamples, reading);
  if (!clean) return { ...evidence, progress, losses, cleanReadings: 0, last: reading };

  const done = evidence.progress.referenceSamples;
  const progressRatio = progress.referenceSamples > 0 ? Math.min(1, done / progress.referenceSamples) : 1;

  // 3. The first window after a change holds its warm-up; it is left out of the timings.
  const warm = evidence.cleanReadings >= 1;
  const times = { points: evidence.stepTimes, scatter: evidence.scatter, watch: evidence.watch };
  const timed = warm ? foldStepTime(times, inForce, before, reading) : { ...times, changed: false };
  const noise = foldNoise(evidence.noise, before, reading, { steps, progressRatio });
  return {
    stepTimes: timed.points,
    scatter: timed.scatter,
    watch: timed.watch,
    changedAt: timed.changed ? reading.observedAt : evidence.changedAt,
    noise,
    noiseTrail: foldNoiseTrail(evidence.noiseTrail, noise, progress.referenceSamples),
    memory: warm ? foldMemory(evidence.memory, inForce.microBatchSize, reading) : evidence.memory,
    losses,
    progress,
    cleanReadings: steps > 0 ? evidence.cleanReadings + 1 : evidence.cleanReadings,
    last: reading,
  };
}
