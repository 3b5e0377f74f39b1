import type { Draw } from './draws.ts';
import { type NoiseEvidence, noiseMoments } from './noise-scale.ts';

/** Noise scale as it was estimated after so many reference samples. */
export interface NoisePoint {
  readonly referenceSamples: number;
  readonly gradientNoiseScale: number;
  /** Inverse variance of its logarithm. */
  readonly weight: number;
}

const MAX_POINTS = 24;
/** Between two points the work done grows by this factor, so that 24 of them look back over a factor of nine. */
const SPACING = 1.1;
/** Doubt below which no point is believed: neighbours share most of their observations. */
const LEAST_VARIANCE = 0.1 ** 2;

/** Keeps a bounded trail of the estimates, evenly spaced on the logarithm of the work done. */
export function foldNoiseTrail(
  trail: readonly NoisePoint[],
  noise: NoiseEvidence,
  referenceSamples: number,
): readonly NoisePoint[] {
  const last = trail.at(-1);
  if (referenceSamples <= 0 || (last !== undefined && referenceSamples < SPACING * last.referenceSamples)) return trail;
  const moments = noiseMoments(noise);
  if (moments === undefined || moments.signal <= 0 || moments.trace <= 0) return trail;
  const variance = (moments.signalSd / moments.signal) ** 2 + (moments.traceSd / moments.trace) ** 2;
  const point = {
    referenceSamples,
    gradientNoiseScale: moments.trace / moments.signal,
    weight: 1 / Math.max(LEAST_VARIANCE, variance),
  };
  return [...trail, point].slice(-MAX_POINTS);
}

/** Parts of equal work that the rest of a training is cut into. */
export const NOISE_PARTS = 3;

/** Growth of the noise scale with a power of the work done. */
export interface NoiseTrend {
  readonly slope: number;
  readonly slopeSd: number;
}

/**
 * Before a trend is seen: the noise scale of most trainings grows tenfold to a hundredfold from their first hundredth
 * to their end (McCandlish et al. 2018, section 3.2; the gradients published with Pollux), a power of 0.5 to 1; where
 * it levels off, the power is nil.
 */
const PRIOR_SLOPE = 0.5;
const PRIOR_SLOPE_SD = 0.4;
/** However well a line fits, the power itself changes along a training by so much. */
const LEAST_SLOPE_SD = 0.25;
/** Before this share of the work no power law holds: the first steps would be extrapolated without bounds. */
export const EARLIEST_SHARE = 0.01;
const MIN_POINTS = 4;
const NO_TREND: NoiseTrend = { slope: PRIOR_SLOPE, slopeSd: PRIOR_SLOPE_SD };

/**
 * Power law through the trail, shrunk towards the usual growth by its own doubt. On the gradients published with Pollux it
 * more than halves the error in the steps to go (`docs/design/0005-estimation.md`).
 */
export function noiseTrend(trail: readonly NoisePoint[], usual: NoiseTrend = NO_TREND): NoiseTrend {
  if (trail.length < MIN_POINTS) return usual;
  let weight = 0;
  let x = 0;
  let y = 0;
  for (const point of trail) {
    weight += point.weight;
    x += point.weight * Math.log(point.referenceSamples);
    y += point.weight * Math.log(point.gradientNoiseScale);
  }
  let xx = 0;
  let xy = 0;
  for (const point of trail) {
    const dx = Math.log(point.referenceSamples) - x / weight;
    xx += point.weight * dx ** 2;
    xy += point.weight * dx * (Math.log(point.gradientNoiseScale) - y / weight);
  }
  const measured = 1 / xx + LEAST_SLOPE_SD ** 2;
  const prior = usual.slopeSd ** 2;
  return {
    slope: (prior * (xy / xx) + measured * usual.slope) / (prior + measured),
    slopeSd: Math.sqrt((prior * measured) / (prior + measured)),
  };
}

/**
 * Noise scales in the middle of each of the parts of the work to come, in one possible world.
 * `now` is the noise scale of that world; `slopeDraw` a coordinate of its draw.
 */
export function noiseScalesAhead(
  trend: NoiseTrend,
  now: number,
  work: { readonly done: number; readonly remaining: number },
  slopeDraw: Draw[number],
): readonly number[] {
  const slope = Math.max(0, trend.slope + trend.slopeSd * slopeDraw);
  const from = Math.max(work.done, EARLIEST_SHARE * (work.done + work.remaining));
  return Array.from({ length: NOISE_PARTS }, (_, part) => {
    const middle = work.done + (work.remaining * (part + 0.5)) / NOISE_PARTS;
    return now * Math.max(1, middle / from) ** slope;
  });
}
