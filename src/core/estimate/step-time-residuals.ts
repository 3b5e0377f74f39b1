import type { StepTimePoint } from './step-time-point.ts';
import {
  LOG_BETWEEN_OVER_WITHIN,
  LOG_GROWTH_BETWEEN,
  LOG_GROWTH_WITHIN,
  LOG_OVERHEAD,
  LOG_OVERLAP,
  LOG_PER_SAMPLE,
  LOG_WITHIN,
  PARAMETERS,
} from './step-time-prior.ts';
import { exposedSeconds } from './window-scatter.ts';

/** The parameters of the model, and the logarithm of the pace before the last change over that of now. */
export const FITTED = PARAMETERS + 1;
export const LOG_PACE = PARAMETERS;

/** Overlap exponents beyond this are told from it by no measurement. */
export const MAX_LOG_OVERLAP = Math.log(9);

/** The parts of one step by the model, with the derivatives of their logarithms to its parameters and the pace. */
export interface StepParts {
  seconds: number;
  computeSeconds: number;
  /** Exchange that no computing hides; 0 for one rank. */
  exchangeSeconds: number;
  readonly slopes: Float64Array;
  readonly computeSlopes: Float64Array;
  readonly exchangeSlopes: Float64Array;
}

export function emptyParts(): StepParts {
  const slopes = () => new Float64Array(FITTED);
  return {
    seconds: 0,
    computeSeconds: 0,
    exchangeSeconds: 0,
    slopes: slopes(),
    computeSlopes: slopes(),
    exchangeSlopes: slopes(),
  };
}

/** What a time was measured of: the whole step, its computing, or the exchange that no computing hides. */
export type TimedPart = 'step' | 'compute' | 'exchange';

/** `residual` is the logarithm of what was measured over the model's; `slopes` are used again for the next one. */
type VisitTiming = (residual: number, slopes: Float64Array, part: TimedPart, point: StepTimePoint) => void;

/** Every time that was measured, held against the model with these parameters; which ones does not depend on them. */
export function forEachTiming(
  points: readonly StepTimePoint[],
  logs: ArrayLike<number>,
  parts: StepParts,
  visit: VisitTiming,
): void {
  for (const point of points) {
    evaluate(logs, point, parts);
    const compute = point.computeSeconds;
    const pace = point.isBeforeChange ? (logs[LOG_PACE] ?? 0) : 0;
    const ofPace = point.isBeforeChange ? 1 : 0;
    parts.slopes[LOG_PACE] = ofPace;
    parts.computeSlopes[LOG_PACE] = ofPace;
    parts.exchangeSlopes[LOG_PACE] = ofPace;
    // Where computing and exchange are told apart, each tells of its own parameters; else their sum tells of all.
    if (compute === undefined || point.dataParallelSize < 2) {
      visit(Math.log(point.meanSeconds / parts.seconds) - pace, parts.slopes, 'step', point);
      continue;
    }
    visit(Math.log(compute / parts.computeSeconds) - pace, parts.computeSlopes, 'compute', point);
    const exposed = exposedSeconds(point) ?? 0;
    if (exposed <= 0) continue;
    visit(Math.log(exposed / parts.exchangeSeconds) - pace, parts.exchangeSlopes, 'exchange', point);
  }
}

type Layout = Pick<StepTimePoint, 'nodes' | 'dataParallelSize' | 'microBatchSize' | 'gradientAccumulationSteps'>;

/**
 * Evaluates the step-time model and its derivatives into `parts`, which is used again from call to call.
 *
 * With L = (P^γ + S^γ)^(1/γ), p = (P/L)^γ and q = (S/L)^γ: ∂L/∂ln P = L·p, ∂L/∂ln S = L·q and
 * ∂L/∂γ = (L/γ²)·(p·ln p + q·ln q).
 */
export function evaluate(logs: ArrayLike<number>, layout: Layout, parts: StepParts): void {
  const passes = layout.gradientAccumulationSteps;
  const overhead = Math.exp(logs[LOG_OVERHEAD] ?? Number.NaN);
  const work = Math.exp(logs[LOG_PER_SAMPLE] ?? Number.NaN) * layout.microBatchSize;
  const pass = overhead + work;
  const compute = passes * pass;
  parts.computeSeconds = compute;
  parts.slopes.fill(0);
  parts.computeSlopes[LOG_OVERHEAD] = overhead / pass;
  parts.computeSlopes[LOG_PER_SAMPLE] = work / pass;
  if (layout.dataParallelSize < 2) {
    parts.seconds = compute;
    parts.exchangeSeconds = 0;
    parts.slopes.set(parts.computeSlopes);
    return;
  }

  const exchange = exchangeOf(logs, layout, parts.exchangeSlopes);
  const more = Math.exp(Math.min(MAX_LOG_OVERLAP, logs[LOG_OVERLAP] ?? Number.NaN));
  const last = overlap(pass, exchange, 1 + more);
  parts.seconds = compute - pass + last.seconds;
  parts.exchangeSeconds = last.exposed;
  for (let i = 0; i < PARAMETERS; i++) {
    const ofPass = parts.computeSlopes[i] ?? 0;
    const ofRest =
      last.seconds * last.q * (parts.exchangeSlopes[i] ?? 0) + (i === LOG_OVERLAP ? more * last.ofExponent : 0);
    parts.slopes[i] = (compute * ofPass + last.exposedOfPass * ofPass + ofRest) / parts.seconds;
    parts.exchangeSlopes[i] = (last.exposedOfPass * ofPass + ofRest) / last.exposed;
  }
}

interface LastPass {
  /** L */
  readonly seconds: number;
  /** L − P */
  readonly exposed: number;
  /** ∂(L − P)/∂ln P */
  readonly exposedOfPass: number;
  /** ∂L/∂ln S over L */
  readonly q: number;
  /** ∂L/∂γ */
  readonly ofExponent: number;
}

/** Exact also where the exchange is nearly hidden and L hardly more than P. */
function overlap(pass: number, exchange: number, exponent: number): LastPass {
  // Below this the exchange is hidden for all purposes, and its powers would leave the range of numbers.
  const logRatio = Math.max(-600, Math.log(exchange / pass) * exponent);
  const power = Math.exp(-Math.abs(logRatio));
  const logGain = Math.log1p(power) / exponent;
  const smaller = power / (1 + power);
  const entropy = -(Math.log1p(power) + smaller * Math.abs(logRatio));
  const hidden = logRatio <= 0;
  const seconds = (hidden ? pass : exchange) * Math.exp(logGain);
  return {
    seconds,
    exposed: hidden ? pass * Math.expm1(logGain) : seconds - pass,
    exposedOfPass: hidden ? pass * Math.expm1((1 - exponent) * logGain) : seconds * smaller - pass,
    q: hidden ? smaller : 1 / (1 + power),
    ofExponent: (seconds * entropy) / exponent ** 2,
  };
}

/** Seconds of one exchange by itself, and the derivatives of its logarithm. */
function exchangeOf(logs: ArrayLike<number>, layout: Layout, slopes: Float64Array): number {
  const between = layout.nodes > 1;
  const growthIndex = between ? LOG_GROWTH_BETWEEN : LOG_GROWTH_WITHIN;
  const growth = Math.exp(logs[growthIndex] ?? Number.NaN) * (layout.dataParallelSize - 2);
  const ratio = between ? (logs[LOG_BETWEEN_OVER_WITHIN] ?? Number.NaN) : 0;
  slopes.fill(0);
  slopes[LOG_WITHIN] = 1;
  slopes[LOG_BETWEEN_OVER_WITHIN] = between ? 1 : 0;
  slopes[growthIndex] = growth / (1 + growth);
  return Math.exp((logs[LOG_WITHIN] ?? Number.NaN) + ratio) * (1 + growth);
}
