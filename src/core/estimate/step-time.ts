import type { Configuration } from '../snapshot.ts';
import { growth, type TrainerReading } from './reading.ts';

/** Step time measured under one layout. */
export interface StepTimePoint {
  readonly dataParallelSize: number;
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
  /** Steps behind the mean, faded so that a slower machine is noticed. */
  readonly weight: number;
  readonly meanSeconds: number;
}

const MAX_POINTS = 12;
/** algorithms.md 3.5: weight min(count, 200). */
const MAX_WEIGHT = 200;

export function foldStepTime(
  points: readonly StepTimePoint[],
  inForce: Configuration,
  before: TrainerReading,
  reading: TrainerReading,
): readonly StepTimePoint[] {
  const seconds = growth(before.stepSecondsSum, reading.stepSecondsSum);
  const count = growth(before.stepSecondsCount, reading.stepSecondsCount);
  if (seconds === undefined || count === undefined || count < 1 || seconds <= 0) return points;

  const known = points.find(
    (point) =>
      point.dataParallelSize === inForce.dataParallelSize &&
      point.microBatchSize === inForce.microBatchSize &&
      point.gradientAccumulationSteps === inForce.gradientAccumulationSteps,
  );
  const added = Math.min(MAX_WEIGHT, count / reading.ranks);
  const kept = Math.min(known?.weight ?? 0, MAX_WEIGHT - Math.min(added, MAX_WEIGHT / 2));
  const weight = kept + added;
  const mean = seconds / count;
  const point: StepTimePoint = {
    dataParallelSize: inForce.dataParallelSize,
    microBatchSize: inForce.microBatchSize,
    gradientAccumulationSteps: inForce.gradientAccumulationSteps,
    weight: Math.min(MAX_WEIGHT, weight),
    meanSeconds: known === undefined ? mean : (known.meanSeconds * kept + mean * added) / weight,
  };
  return [...points.filter((other) => other !== known), point].slice(-MAX_POINTS);
}
