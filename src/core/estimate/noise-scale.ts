import { growth, isPlausible, type TrainerReading } from './reading.ts';

/**
 * Gradient noise scale B_noise = tr Σ / |G|² (McCandlish et al. 2018, appendix A.1), from sums, never from an average
 * of ratios. Each window gives unbiased |G|² and tr Σ; they are averaged with weights that fade with training, since
 * the noise scale grows as the loss falls.
 */
export interface NoiseEvidence {
  /** Faded number of gradient observations. */
  readonly observations: number;
  /** Faded number of windows. */
  readonly windows: number;
  /** Means of |G|² and tr Σ over the observations. */
  readonly signal: number;
  readonly trace: number;
  /** Faded sum of squares of the windows' deviations, weighted, for the doubt about the means. */
  readonly signalSpread: number;
  readonly traceSpread: number;
}

export const NO_NOISE_EVIDENCE: NoiseEvidence = {
  observations: 0,
  windows: 0,
  signal: 0,
  trace: 0,
  signalSpread: 0,
  traceSpread: 0,
};

/** Optimizer steps after which an observation counts half (algorithms.md 3.5: at least 1000). */
const HALF_LIFE_STEPS = 1000;
const MIN_WINDOWS = 2;

export function foldNoise(
  noise: NoiseEvidence,
  before: TrainerReading,
  reading: TrainerReading,
  steps: number,
): NoiseEvidence {
  const window = observeNoise(before, reading);
  if (window === undefined) return noise;
  const fade = 0.5 ** (steps / HALF_LIFE_STEPS);
  const oldWeight = noise.observations * fade;
  const weight = oldWeight + window.observations;
  const share = window.observations / weight;
  const signal = noise.signal + share * (window.signal - noise.signal);
  const trace = noise.trace + share * (window.trace - noise.trace);
  return {
    observations: weight,
    windows: noise.windows * fade + 1,
    signal,
    trace,
    signalSpread:
      noise.signalSpread * fade + window.observations * (window.signal - noise.signal) * (window.signal - signal),
    traceSpread: noise.traceSpread * fade + window.observations * (window.trace - noise.trace) * (window.trace - trace),
  };
}

interface NoiseWindow {
  readonly observations: number;
  readonly signal: number;
  readonly trace: number;
}

function observeNoise(before: TrainerReading, reading: TrainerReading): NoiseWindow | undefined {
  const observations = growth(before.gradientObservations, reading.gradientObservations);
  const small = growth(before.gradientSmallSum, reading.gradientSmallSum);
  const large = growth(before.gradientLargeSum, reading.gradientLargeSum);
  const smallBatch = reading.gradientSmallBatch;
  const largeBatch = reading.gradientLargeBatch;
  if (!isPlausible(observations) || observations === 0 || small === undefined || large === undefined) return undefined;
  if (!isPlausible(smallBatch) || !isPlausible(largeBatch) || smallBatch <= 0 || largeBatch <= smallBatch) {
    return undefined;
  }
  if (before.gradientSmallBatch !== smallBatch || before.gradientLargeBatch !== largeBatch) return undefined;
  const smallSquareNorm = small / observations;
  const largeSquareNorm = large / observations;
  return {
    observations,
    signal: (largeBatch * largeSquareNorm - smallBatch * smallSquareNorm) / (largeBatch - smallBatch),
    trace: (smallSquareNorm - largeSquareNorm) / (1 / smallBatch - 1 / largeBatch),
  };
}

/** |G|² and tr Σ with the standard deviations of their means; undefined before two windows. */
export function noiseMoments(
  noise: NoiseEvidence,
):
  | { readonly signal: number; readonly signalSd: number; readonly trace: number; readonly traceSd: number }
  | undefined {
  if (noise.windows < MIN_WINDOWS * 0.9 || noise.observations <= 0 || noise.trace <= 0) return undefined;
  const degrees = Math.max(0.5, noise.windows - 1);
  return {
    signal: noise.signal,
    signalSd: Math.sqrt(Math.max(0, noise.signalSpread) / (noise.observations * degrees)),
    trace: noise.trace,
    traceSd: Math.sqrt(Math.max(0, noise.traceSpread) / (noise.observations * degrees)),
  };
}

/** Point estimate in samples; undefined while the signal is not above zero. */
export function noiseScaleValue(noise: NoiseEvidence): number | undefined {
  const moments = noiseMoments(noise);
  if (moments === undefined || moments.signal <= 0) return undefined;
  return moments.trace / moments.signal;
}
