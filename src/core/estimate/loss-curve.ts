import { isPlausible, type TrainerReading } from './reading.ts';

/** Validation loss seen after so many reference samples. */
export interface LossPoint {
  readonly referenceSamples: number;
  readonly validationLoss: number;
}

const MAX_POINTS = 32;
/** The forecast looks at this last factor of the progress: earlier learning follows another slope. */
const FIT_FACTOR = 4;
const MIN_POINTS = 4;

/** Keeps at most 32 points; when full, every second old one goes, so that the curve stays covered. */
export function foldLoss(
  points: readonly LossPoint[],
  referenceSamples: number,
  reading: TrainerReading,
): readonly LossPoint[] {
  const validationLoss = reading.validationLoss;
  if (!isPlausible(validationLoss) || validationLoss === 0 || referenceSamples <= 0) return points;
  const last = points.at(-1);
  if (last !== undefined && (last.validationLoss === validationLoss || last.referenceSamples >= referenceSamples)) {
    return points;
  }
  const next = [...points, { referenceSamples, validationLoss }];
  if (next.length <= MAX_POINTS) return next;
  return next.filter((_, index) => index % 2 === 1 || index > MAX_POINTS / 2);
}

export interface WorkForecast {
  /** Natural logarithm of the reference samples still to do. */
  readonly logRemaining: number;
  readonly logSd: number;
}

/**
 * Work left until the loss reaches `target`, from a power law loss = k·E^(−q) through the recent points
 * (Hestness et al. 2017 find such laws over wide ranges). Undefined while the points show no fall.
 */
export function forecastWorkToLoss(points: readonly LossPoint[], target: number): WorkForecast | undefined {
  const last = points.at(-1);
  if (last === undefined || !(target > 0)) return undefined;
  const recent = points.filter((point) => point.referenceSamples >= last.referenceSamples / FIT_FACTOR);
  if (recent.length < MIN_POINTS) return undefined;

  const line = fitLine(
    recent.map((point) => Math.log(point.referenceSamples)),
    recent.map((point) => Math.log(point.validationLoss)),
  );
  if (line === undefined || line.slope >= -1e-3) return undefined;

  const logAtTarget = (Math.log(target) - line.intercept) / line.slope;
  const total = Math.exp(Math.min(logAtTarget, Math.log(last.referenceSamples) + Math.log(1e3)));
  const remaining = Math.max(total - last.referenceSamples, total * 0.02);
  // An error of the fitted line moves the crossing by its size over the slope; extrapolation adds its own doubt.
  const crossingSd = line.residualSd / Math.abs(line.slope);
  const distance = Math.max(0, Math.log(total / last.referenceSamples));
  const sdOfTotal = Math.min(2, crossingSd + 0.3 * distance);
  return { logRemaining: Math.log(remaining), logSd: Math.min(2, (sdOfTotal * total) / remaining) };
}

function fitLine(
  xs: readonly number[],
  ys: readonly number[],
): { readonly slope: number; readonly intercept: number; readonly residualSd: number } | undefined {
  const n = xs.length;
  const meanX = xs.reduce((sum, x) => sum + x, 0) / n;
  const meanY = ys.reduce((sum, y) => sum + y, 0) / n;
  let sxx = 0;
  let sxy = 0;
  xs.forEach((x, index) => {
    sxx += (x - meanX) ** 2;
    sxy += (x - meanX) * ((ys[index] ?? meanY) - meanY);
  });
  if (sxx < 1e-9) return undefined;
  const slope = sxy / sxx;
  const intercept = meanY - slope * meanX;
  const squares = xs.reduce((sum, x, index) => sum + ((ys[index] ?? meanY) - intercept - slope * x) ** 2, 0);
  return { slope, intercept, residualSd: Math.sqrt(squares / Math.max(1, n - 2)) };
}
