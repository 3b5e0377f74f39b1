import type { Evidence } from './evidence.ts';
import { NO_NOISE_EVIDENCE } from './noise-scale.ts';
import type { StepTimePoint } from './step-time-point.ts';
import { NO_SCATTER } from './window-scatter.ts';

/** No measured quantity, whatever its unit, lies outside: a step of a nanosecond or of 30 years, 10^18 samples. */
const LEAST = 1e-9;
const MOST = 1e18;

/**
 * The evidence without what no measurement can be. It is folded from checked readings, but it is also read back from
 * where it was stored, and one number that is none would spoil all that is estimated from it. What is left out counts
 * as not known; undefined when the work done is not known, since then nothing can be said of the work left.
 */
export function plausibleEvidence(evidence: Evidence): Evidence | undefined {
  const { stepTimes, scatter, noise, noiseTrail, memory, losses, progress } = evidence;
  if (!isAmount(progress.referenceSamples)) return undefined;
  const { signal, trace, ...counts } = noise;
  const noiseIsSound = Object.values(counts).every(isAmount) && isWithin(signal) && isWithin(trace);
  const scatterIsSound = Object.values(scatter).every(({ sum, degrees }) => isAmount(sum) && isAmount(degrees));
  return {
    ...evidence,
    stepTimes: stepTimes.filter(isTimed).map(withSoundPart),
    scatter: scatterIsSound ? scatter : NO_SCATTER,
    noise: noiseIsSound ? noise : NO_NOISE_EVIDENCE,
    noiseTrail: noiseTrail.filter((point) => Object.values(point).every(isAmount)),
    memory: memory.filter(({ microBatchSize, usedBytes }) => isPositive(microBatchSize) && isAmount(usedBytes)),
    losses: losses.filter((point) => isAmount(point.referenceSamples) && isWithin(point.validationLoss)),
  };
}

function isTimed(point: StepTimePoint): boolean {
  const { meanSeconds, weight, windows, precision } = point;
  const { nodes, dataParallelSize, microBatchSize, gradientAccumulationSteps } = point;
  const layout = [nodes, dataParallelSize, microBatchSize, gradientAccumulationSteps];
  return (
    [meanSeconds, weight, windows, precision].every(isPositive) && layout.every((count) => count >= 1 && count < MOST)
  );
}

function withSoundPart(point: StepTimePoint): StepTimePoint {
  const { computeSeconds, meanSeconds } = point;
  if (computeSeconds === undefined) return point;
  return isPositive(computeSeconds) && computeSeconds <= meanSeconds ? point : { ...point, computeSeconds: undefined };
}

function isWithin(value: number): boolean {
  return Math.abs(value) < MOST;
}

function isAmount(value: number): boolean {
  return value >= 0 && value < MOST;
}

function isPositive(value: number): boolean {
  return value >= LEAST && value < MOST;
}
