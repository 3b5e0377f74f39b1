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
  /** Growth seen so far; more is not forecast. */
  readonly mostGrowth: number;
}

const NO_TREND: NoiseTrend = { slope: 0, slopeSd: 0, mostGrowth: 1 };
const MIN_POINTS = 4;
/** Before a trend is seen the power is believed to be nil, give or take this. */
const PRIOR_SLOPE_SD = 0.5;
/** However well a line fits, the power itself changes along a training by so much. */
const LEAST_SLOPE_SD = 0.25;

/**
 * Power law through the trail, shrunk towards no growth by its own doubt. On the gradients published with Pollux it
 * more than halves the error in the steps to go (`docs/design/0005-estimation.md`).
 */
export function noiseTrend(trail: readonly NoisePoint[]): NoiseTrend {
  const first = trail[0];
  const last = trail.at(-1);
  if (first === undefined || last === undefined || trail.length < MIN_POINTS) return NO_TREND;
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
  const prior = PRIOR_SLOPE_SD ** 2;
  const mostGrowth = Math.max(1, last.gradientNoiseScale / first.gradientNoiseScale);
  return {
    slope: Math.max(0, ((xy / xx) * prior) / (prior + measured)),
    slopeSd: Math.sqrt((prior * measured) / (prior + measured)),
    mostGrowth,
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
  return Array.from({ length: NOISE_PARTS }, (_, part) => {
    const middle = work.done + (work.remaining * (part + 0.5)) / NOISE_PARTS;
    const growth = work.done > 0 ? (middle / work.done) ** slope : 1;
    return now * Math.min(trend.mostGrowth, growth);
  });
}
