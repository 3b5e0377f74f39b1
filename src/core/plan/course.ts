import { type Configuration, globalBatchSize } from '../configuration.ts';
import type { Estimate, World } from '../estimate/estimate.ts';
import { type StepLayout, stepSeconds } from '../model/step-time.ts';
import { stepsPerReferenceSample } from '../model/steps-to-target.ts';
import type { JobSnapshot } from '../snapshot.ts';
import { microBatchCeiling } from './candidates.ts';

/** How a run goes on from here: on one placement, its batch fixed or following the noise scale. */
export interface Course {
  readonly configuration: Configuration;
  readonly batch: number;
  readonly referenceBatchSize: number;
  /** Bounds within which the batch will follow the noise scale; both are the batch where it may not. */
  readonly lowest: number;
  readonly highest: number;
  /** The largest micro batch that is believed to fit. */
  readonly largestMicroBatchSize: number;
}

export function courseOf(job: JobSnapshot, estimate: Estimate, configuration: Configuration): Course {
  const { limits, history, held } = job;
  const batch = globalBatchSize(configuration);
  const referenceBatchSize = limits.initialGlobalBatchSize;
  const largestMicroBatchSize = Math.max(configuration.microBatchSize, microBatchCeiling(job, estimate));
  const fixed = { configuration, batch, referenceBatchSize, lowest: batch, highest: batch, largestMicroBatchSize };
  const follows = limits.mode === 'Auto' && limits.batchMode === 'Auto' && !held.batch;
  if (!follows) return fixed;
  const ceiling = Math.min(limits.maxGlobalBatchSize, history.globalBatchSizeCeiling ?? Number.POSITIVE_INFINITY);
  return { ...fixed, lowest: Math.min(batch, limits.minGlobalBatchSize), highest: Math.max(batch, ceiling) };
}

/**
 * Seconds from now to the end of the work in one world. The noise scale drifts, and where the batch is Stepwise's to
 * choose it will go with the square root of it, as the square-root rule says, where that is faster; a run judged by
 * today's noise scale would seem to take longer than it will. Cost: one step time for each part of the work left.
 */
export function secondsOf(world: World, course: Course): number {
  const { configuration, batch, referenceBatchSize } = course;
  const parts = world.noiseScaleAhead;
  const now = stepSeconds(world.stepTime, configuration);
  let seconds = 0;
  for (const noise of parts) {
    const wanted = batch * Math.sqrt(noise / world.gradientNoiseScale);
    const followed = Math.min(course.highest, Math.max(course.lowest, wanted));
    const stays = now * stepsPerReferenceSample(noise, batch, referenceBatchSize);
    seconds += followed === batch ? stays : Math.min(stays, secondsAt(followed, noise, world, course));
  }
  return (seconds * world.remainingReferenceSamples) / parts.length;
}

/** Seconds for one reference sample as things are: what tells batches apart, since each may be left again soon. */
export function presentSecondsOf(world: World, { configuration, batch, referenceBatchSize }: Course): number {
  const perSample = stepsPerReferenceSample(world.gradientNoiseScale, batch, referenceBatchSize);
  return stepSeconds(world.stepTime, configuration) * perSample;
}

/** Seconds for one reference sample; a batch that would need more passes is followed only as far as it needs none. */
function secondsAt(batch: number, noise: number, world: World, course: Course): number {
  const { dataParallelSize, gradientAccumulationSteps } = course.configuration;
  const inSamePasses = gradientAccumulationSteps * course.largestMicroBatchSize * dataParallelSize;
  const at = (size: number) =>
    stepSeconds(world.stepTime, laidOut(course, size)) *
    stepsPerReferenceSample(noise, size, course.referenceBatchSize);
  return batch > inSamePasses ? Math.min(at(batch), at(inSamePasses)) : at(batch);
}

/** The placement with another batch, in as few passes as its micro batches allow. */
function laidOut({ configuration, largestMicroBatchSize }: Course, batch: number): StepLayout {
  const { nodes, dataParallelSize } = configuration;
  const perRank = batch / dataParallelSize;
  const gradientAccumulationSteps = Math.ceil(perRank / largestMicroBatchSize);
  const microBatchSize = perRank / gradientAccumulationSteps;
  return { nodes, dataParallelSize, microBatchSize, gradientAccumulationSteps };
}
