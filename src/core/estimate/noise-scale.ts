import { growth, isPlausible, type TrainerReading } from './reading.ts';
import { average } from './weighted-mean.ts';

/**
 * Gradient noise scale B_noise = tr Σ / |G|² (McCandlish et al. 2018, appendix A.1), from sums, never from an average
 * of ratios. Each window gives unbiased |G|² and tr Σ; they are averaged with weights that fade with training, since
 * the noise scale grows as the loss falls.
 *
 * A window weighs by its precision: the doubt about one |g|² is a share of that |g|², so a window at a small batch,
 * whose |g|² is nearly all noise, says far less of |G|² than one at a large batch.
 */
export interface NoiseEvidence {
  /** Faded number of gradient observations. */
  readonly observations: number;
  /** Faded number of windows. */
  readonly windows: number;
  /** Weighted means of |G|² and tr Σ. */
  readonly signal: number;
  readonly trace: number;
  /** Faded sums of the windows' weights, 1 ÷ (variance in units of the squared relative spread of one |g|²). */
  readonly signalWeight: number;
  readonly traceWeight: number;
  /** Faded sums of squares of the windows' deviations, weighted, for the doubt about the means; no unit. */
  readonly signalSpread: number;
  readonly traceSpread: number;
}

export const NO_NOISE_EVIDENCE: NoiseEvidence = {
  observations: 0,
  windows: 0,
  signal: 0,
  trace: 0,
  signalWeight: 0,
  traceWeight: 0,
  signalSpread: 0,
  traceSpread: 0,
};

/** Optimizer steps after which a well known noise scale counts half, as it drifts by design. */
const HALF_LIFE_STEPS = 1000;
/** What is less well known than this relative deviation is forgotten later, at most by the factor below. */
const WELL_KNOWN_SD = 0.3;
const MAX_HALF_LIFE_FACTOR = 10;
/**
 * The noise scale grows with a power of the progress, whatever the number of steps: what was seen when half of today's
 * work was done counts a quarter.
 */
const PROGRESS_POWER = 2;
/** However many steps a window holds, the ones before it keep this share, or nothing would ever be averaged. */
const LEAST_KEPT = 0.7;
/** Prior for the relative spread of one |g|², worth as many windows; it alone speaks for the first window. */
const PRIOR_SPREAD = 0.25;
const PRIOR_WINDOWS = 2;
const MIN_OBSERVATIONS = 3;

/** How far the training went while a window was filled. */
export interface Passage {
  readonly steps: number;
  /** Reference samples done before the window, over those done after it: 0 to 1. */
  readonly progressRatio: number;
}

export function foldNoise(
  noise: NoiseEvidence,
  before: TrainerReading,
  reading: TrainerReading,
  passage: Passage,
): NoiseEvidence {
  const window = observeNoise(before, reading);
  if (window === undefined) return noise;
  const fadeBySteps = 0.5 ** (passage.steps / halfLifeSteps(noise));
  const fade = Math.max(LEAST_KEPT, fadeBySteps * passage.progressRatio ** PROGRESS_POWER);
  const signal = average(
    { mean: noise.signal, weight: noise.signalWeight * fade, spread: noise.signalSpread * fade },
    { value: window.signal, weight: window.signalWeight },
  );
  const trace = average(
    { mean: noise.trace, weight: noise.traceWeight * fade, spread: noise.traceSpread * fade },
    { value: window.trace, weight: window.traceWeight },
  );
  return {
    observations: noise.observations * fade + window.observations,
    windows: noise.windows * fade + 1,
    signal: signal.mean,
    trace: trace.mean,
    signalWeight: signal.weight,
    traceWeight: trace.weight,
    signalSpread: signal.spread,
    traceSpread: trace.spread,
  };
}

/** The prior scatter is taken, not the observed one: that grows when the signal moves, and would then hold on to the past. */
function halfLifeSteps({ signal, signalWeight }: NoiseEvidence): number {
  if (signal <= 0 || signalWeight <= 0) return HALF_LIFE_STEPS * MAX_HALF_LIFE_FACTOR;
  const relative = PRIOR_SPREAD / Math.sqrt(signalWeight) / signal;
  return HALF_LIFE_STEPS * Math.min(MAX_HALF_LIFE_FACTOR, Math.max(1, (relative / WELL_KNOWN_SD) ** 2));
}

interface NoiseWindow {
  readonly observations: number;
  readonly signal: number;
  readonly trace: number;
  readonly signalWeight: number;
  readonly traceWeight: number;
}

function observeNoise(before: TrainerReading, reading: TrainerReading): NoiseWindow | undefined {
  const observations = growth(before.gradientObservations, reading.gradientObservations);
  const small = growth(before.gradientSmallSum, reading.gradientSmallSum);
  const large = growth(before.gradientLargeSum, reading.gradientLargeSum);
  const smallBatch = reading.gradientSmallBatch;
  const largeBatch = reading.gradientLargeBatch;
  if (!isPlausible(observations) || observations === 0 || !isPlausible(small) || !isPlausible(large)) return undefined;
  if (!isPlausible(smallBatch) || !isPlausible(largeBatch) || smallBatch <= 0 || largeBatch <= smallBatch) {
    return undefined;
  }
  if (before.gradientSmallBatch !== smallBatch || before.gradientLargeBatch !== largeBatch) return undefined;
  // A gradient of exactly zero is a trainer that reports nothing.
  if (small === 0 || large === 0) return undefined;
  const smallSquareNorm = small / observations;
  const largeSquareNorm = large / observations;
  const span = largeBatch - smallBatch;
  const inverseSpan = 1 / smallBatch - 1 / largeBatch;
  // The small batches' mean is over many of them, so its relative spread is smaller by the root of their number.
  const shared = smallBatch / largeBatch;
  const signalVariance = (largeBatch * largeSquareNorm) ** 2 + shared * (smallBatch * smallSquareNorm) ** 2;
  const traceVariance = largeSquareNorm ** 2 + shared * smallSquareNorm ** 2;
  return {
    observations,
    signal: (largeBatch * largeSquareNorm - smallBatch * smallSquareNorm) / span,
    trace: (smallSquareNorm - largeSquareNorm) / inverseSpan,
    signalWeight: (observations * span ** 2) / signalVariance,
    traceWeight: (observations * inverseSpan ** 2) / traceVariance,
  };
}

/** |G|² and tr Σ with the standard deviations of their means; undefined while too little was observed. */
export function noiseMoments(
  noise: NoiseEvidence,
):
  | { readonly signal: number; readonly signalSd: number; readonly trace: number; readonly traceSd: number }
  | undefined {
  if (noise.observations < MIN_OBSERVATIONS || noise.signalWeight <= 0 || noise.traceWeight <= 0) return undefined;
  const degrees = Math.max(0, noise.windows - 1) + PRIOR_WINDOWS;
  const prior = PRIOR_WINDOWS * PRIOR_SPREAD ** 2;
  return {
    signal: noise.signal,
    signalSd: Math.sqrt((Math.max(0, noise.signalSpread) + prior) / degrees / noise.signalWeight),
    trace: noise.trace,
    traceSd: Math.sqrt((Math.max(0, noise.traceSpread) + prior) / degrees / noise.traceWeight),
  };
}

/** Point estimate in samples; undefined while signal or noise is not above zero. */
export function noiseScaleValue(noise: NoiseEvidence): number | undefined {
  const moments = noiseMoments(noise);
  if (moments === undefined || moments.signal <= 0 || moments.trace <= 0) return undefined;
  return moments.trace / moments.signal;
}
