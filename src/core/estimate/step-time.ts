import type { Configuration } from '../configuration.ts';
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
/** More steps than this say nothing new: what is left is the machine's own drift. */
const MAX_WEIGHT = 200;
/** A window this many standard deviations from what its layout took before is another machine, or a slowed one. */
const CHANGE_SD = 4;
const FADED_WEIGHT_SHARE = 0.5;

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
  const mean = seconds / count;
  const others = points.filter((other) => other !== known);
  const layout = {
    dataParallelSize: inForce.dataParallelSize,
    microBatchSize: inForce.microBatchSize,
    gradientAccumulationSteps: inForce.gradientAccumulationSteps,
  };
  const fresh: StepTimePoint = { ...layout, weight: added, meanSeconds: mean };
  if (known === undefined) return [...others, fresh].slice(-MAX_POINTS);
  if (hasChanged(known, fresh)) return [...others.map((other) => follow(other, mean / known.meanSeconds)), fresh];

  const kept = Math.min(known.weight, MAX_WEIGHT - Math.min(added, MAX_WEIGHT / 2));
  const weight = kept + added;
  const meanSeconds = (known.meanSeconds * kept + mean * added) / weight;
  return [...others, { ...layout, weight: Math.min(MAX_WEIGHT, weight), meanSeconds }];
}

function hasChanged(known: StepTimePoint, fresh: StepTimePoint): boolean {
  const sd = Math.sqrt(stepTimeVariance(known.weight) + stepTimeVariance(fresh.weight));
  return Math.abs(Math.log(fresh.meanSeconds / known.meanSeconds)) > CHANGE_SD * sd;
}

/** A slower machine is slower at every layout: the others follow, or the one in force would look dear beside them. */
function follow(point: StepTimePoint, factor: number): StepTimePoint {
  return { ...point, meanSeconds: point.meanSeconds * factor, weight: point.weight * FADED_WEIGHT_SHARE };
}

/** Timing noise of a window beyond what more steps average out: other load, clocks, data. */
const MODEL_SD = 0.03;
/** Spread of one step's time; a mean over n steps has this over √n. */
const STEP_SD = 0.3;

/** Variance of the logarithm of a mean over so many steps. */
export function stepTimeVariance(weight: number): number {
  return MODEL_SD ** 2 + STEP_SD ** 2 / Math.max(1, weight);
}
