import type { LogBelief } from '../estimate/memory-belief.ts';

/** A run that came to its target. */
export interface TargetReached {
  readonly globalBatchSize: number;
  readonly samples: number;
}

/**
 * Samples to the target against the batch: S(B) = C·(1 + B/N), with N the noise scale of the whole training (McCandlish
 * et al. 2018, equation 2.11). Posterior of ln C and ln N.
 */
export interface SamplesCurve {
  readonly logSamples: number;
  readonly logNoiseScale: number;
  /** Variances and covariance of the two. */
  readonly variances: readonly [number, number, number];
  /** What runs of one batch scatter by around the curve, as a standard deviation of the logarithm. */
  readonly scatter: number;
}

/** Where nothing tells: the batches that people use lie around the noise scale, within a factor of ten or so. */
const LOG_NOISE_SD = 1.5;
/** Runs of one batch scatter by some 10 % (order of data, initial weights); the guess is worth two batches. */
const USUAL_SCATTER = 0.1;
const SCATTER_WEIGHT = 2;
const HUBER = 1.345;
const MAX_ITERATIONS = 100;

/**
 * Maximum a posteriori fit with Huber weights, of the median of every batch: one batch with a recipe of its own must not
 * bend the curve of all others. Undefined without a run.
 */
export function fitSamplesToTarget(runs: readonly TargetReached[]): SamplesCurve | undefined {
  const points = mediansByBatch(runs);
  if (points.length === 0) return undefined;
  const center = Math.max(...points.map(({ x }) => x));
  let scatter = USUAL_SCATTER;
  let best = descendFromAll(points, center, scatter);
  // The scatter is that of what the curve leaves over; twice is enough for it to settle.
  for (let pass = 0; pass < 2; pass++) {
    scatter = scatterAround(points, best.at);
    best = descendFromAll(points, center, scatter);
  }
  const [a, b, c] = best.curvature;
  const determinant = a * c - b * b;
  return {
    logSamples: best.at[0],
    logNoiseScale: best.at[1],
    variances: [c / determinant, a / determinant, -b / determinant],
    scatter,
  };
}

/** Samples that a run at the batch needs, with the scatter of single runs in its doubt. */
export function samplesAt(curve: SamplesCurve, globalBatchSize: number): LogBelief {
  const x = Math.log(globalBatchSize);
  const slope = -shareAbove(x, curve.logNoiseScale);
  const [varSamples, varNoise, covariance] = curve.variances;
  const variance = varSamples + slope ** 2 * varNoise + 2 * slope * covariance + curve.scatter ** 2;
  return { logMean: valueAt(x, [curve.logSamples, curve.logNoiseScale]), logSd: Math.sqrt(variance) };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

type Parameters = readonly [number, number];

interface Descent {
  readonly at: Parameters;
  readonly loss: number;
  /** Upper triangle of the 2 × 2 matrix. */
  readonly curvature: readonly [number, number, number];
  readonly gradient: Parameters;
}

function mediansByBatch(runs: readonly TargetReached[]): readonly Point[] {
  const sound = runs.filter(({ globalBatchSize, samples }) => globalBatchSize > 0 && samples > 0);
  const groups = Map.groupBy(sound, ({ globalBatchSize }) => globalBatchSize);
  return [...groups]
    .map(([batch, group]) => ({ x: Math.log(batch), y: Math.log(median(group.map(({ samples }) => samples))) }))
    .sort((one, other) => one.x - other.x);
}

function valueAt(x: number, [logSamples, logNoise]: Parameters): number {
  return logSamples + Math.log1p(Math.exp(x - logNoise));
}

/** B/(N + B). */
function shareAbove(x: number, logNoise: number): number {
  return 1 / (1 + Math.exp(logNoise - x));
}

/** The curve has a flat and a steep end, and a start on one of them may not find the other. */
function descendFromAll(points: readonly Point[], center: number, scatter: number): Descent {
  const low = Math.min(...points.map(({ y }) => y));
  const starts = [-4, -2, 0, 2].map((offset): Parameters => [low, center + offset]);
  const ends = starts.map((start) => descend(points, center, scatter, start));
  return ends.reduce((one, other) => (other.loss < one.loss ? other : one));
}

function descend(points: readonly Point[], center: number, scatter: number, start: Parameters): Descent {
  let now = linearise(points, center, scatter, start);
  let damping = 1e-3;
  for (let iteration = 0; iteration < MAX_ITERATIONS && damping < 1e8; iteration++) {
    const next = linearise(points, center, scatter, stepFrom(now, damping));
    if (next.loss > now.loss) {
      damping *= 10;
      continue;
    }
    const isDone = now.loss - next.loss < 1e-10;
    now = next;
    damping = Math.max(1e-9, damping / 10);
    if (isDone) break;
  }
  return now;
}

function stepFrom({ at, curvature: [a, b, c], gradient }: Descent, damping: number): Parameters {
  const [p, q] = [a * (1 + damping), c * (1 + damping)];
  const determinant = p * q - b * b;
  const bounded = (step: number) => Math.max(-2, Math.min(2, step));
  return [
    at[0] + bounded((q * gradient[0] - b * gradient[1]) / determinant),
    at[1] + bounded((p * gradient[1] - b * gradient[0]) / determinant),
  ];
}

function linearise(points: readonly Point[], center: number, scatter: number, at: Parameters): Descent {
  const pull = (center - at[1]) / LOG_NOISE_SD ** 2;
  let loss = (pull * (center - at[1])) / 2;
  let [a, b, c] = [0, 0, 1 / LOG_NOISE_SD ** 2];
  let [g, h] = [0, pull];
  for (const { x, y } of points) {
    const residual = (y - valueAt(x, at)) / scatter;
    const size = Math.abs(residual);
    const weight = size > HUBER ? HUBER / size : 1;
    loss += size > HUBER ? HUBER * size - HUBER ** 2 / 2 : residual ** 2 / 2;
    const slope = -shareAbove(x, at[1]);
    const precision = weight / scatter ** 2;
    a += precision;
    b += precision * slope;
    c += precision * slope ** 2;
    g += precision * residual * scatter;
    h += precision * slope * residual * scatter;
  }
  return { at, loss, curvature: [a, b, c], gradient: [g, h] };
}

/** Robust spread around the curve, shrunk to the usual. */
function scatterAround(points: readonly Point[], at: Parameters): number {
  const spread = median(points.map(({ x, y }) => Math.abs(y - valueAt(x, at)))) / 0.6745;
  const freedom = Math.max(0, points.length - 2);
  const variance = (SCATTER_WEIGHT * USUAL_SCATTER ** 2 + freedom * spread ** 2) / (SCATTER_WEIGHT + freedom);
  return Math.sqrt(variance);
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}
