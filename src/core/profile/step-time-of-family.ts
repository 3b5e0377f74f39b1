import { flopsPerSecond, type GpuPeak, type Precision, peakOf } from '../estimate/gpu-peaks.ts';
import { cholesky, inverse } from '../estimate/linear-algebra.ts';
import {
  LOG_OVERHEAD,
  LOG_PER_SAMPLE,
  LOG_WITHIN,
  PARAMETERS,
  type StepTimePrior,
} from '../estimate/step-time-prior.ts';
import { fromLowerTriangle, type RunRecord } from './run-record.ts';

/** What two runs of one family differ by on the same GPUs, and what that guess is worth in runs. */
const BETWEEN_RUNS_SD = 0.15;
const BETWEEN_RUNS_WEIGHT = 2;
/** Doubt about a parameter that was scaled by what two types of GPU can do at most. */
const SCALED_SD = 0.35;
/** The overhead of a pass is mostly the host's: it is carried over as it is. */
const CARRIED_SD = 0.5;

export interface FamilyStepTime {
  readonly prior: StepTimePrior;
  readonly isOtherGpu: boolean;
  readonly largestDataParallelSize: number;
}

/**
 * What the runs of a family say of the next one on a type of GPU. Random effects: each run has parameters of its own
 * around those of the family, so that the mean of many runs is known well and the next run still differs from it
 * (DerSimonian and Laird 1986, Controlled Clinical Trials 7, 177). Runs on the type itself are taken where there are any,
 * else those of other types, scaled by their ratio. Undefined when no run was timed on a type that is known.
 */
export function stepTimeOfFamily(
  runs: readonly RunRecord[],
  gpuType: string,
  precision?: Precision,
): FamilyStepTime | undefined {
  const own = runs.filter((run) => run.gpuType === gpuType).flatMap((run) => observationOf(run) ?? []);
  if (own.length > 0) {
    const largest = Math.max(...own.map(({ largestDataParallelSize }) => largestDataParallelSize));
    return { prior: randomEffects(own), isOtherGpu: false, largestDataParallelSize: largest };
  }
  const to = peakOf(gpuType);
  if (to === undefined) return undefined;
  const scaled = runs.flatMap((run) => {
    const from = peakOf(run.gpuType);
    const observation = observationOf(run);
    if (from === undefined || observation === undefined) return [];
    const ratio = timeRatio(from, to, precision);
    return [{ observation: scale(observation, ratio.log, from, to), doubt: ratio.logSd }];
  });
  if (scaled.length === 0) return undefined;
  const prior = randomEffects(scaled.map(({ observation }) => observation));
  const doubt = Math.max(...scaled.map((each) => each.doubt));
  return { prior: withDoubt(prior, doubt), isOtherGpu: true, largestDataParallelSize: 0 };
}

interface Observation {
  readonly logMeans: readonly number[];
  readonly logCovariance: readonly number[];
  readonly largestDataParallelSize: number;
}

/** Undefined for a record that holds no posterior: a matrix that is none cannot be believed. */
function observationOf({ stepTime }: RunRecord): Observation | undefined {
  if (stepTime === undefined || stepTime.logMeans.length !== PARAMETERS) return undefined;
  const logCovariance = fromLowerTriangle(stepTime.logCovariance, PARAMETERS);
  if (![...stepTime.logMeans, ...logCovariance].every(Number.isFinite)) return undefined;
  try {
    cholesky(logCovariance, PARAMETERS);
  } catch {
    return undefined;
  }
  return { ...stepTime, logCovariance };
}

/**
 * How much longer the new type takes for a sample, by its peaks; compute and memory traffic each bound a part of the
 * kernels. Where nobody says in which precision the run computes, it lies between those of 32 and of 16 bits.
 */
export function timeRatio(
  from: GpuPeak,
  to: GpuPeak,
  precision: Precision | undefined,
): { readonly log: number; readonly logSd: number } {
  const compute = (each: Precision) => Math.log(flopsPerSecond(from, each) / flopsPerSecond(to, each));
  const [wide, narrow] = [compute(precision ?? 'FP32'), compute(precision ?? 'FP16')];
  const traffic = Math.log(from.memoryGigabytesPerSecond / to.memoryGigabytesPerSecond);
  return { log: ((wide + narrow) / 2 + traffic) / 2, logSd: Math.hypot(SCALED_SD, (wide - narrow) / 4) };
}

function scale(observation: Observation, logRatio: number, from: GpuPeak, to: GpuPeak): Observation {
  const logMeans = [...observation.logMeans];
  const shift = (index: number, by: number) => {
    logMeans[index] = (logMeans[index] ?? Number.NaN) + by;
  };
  shift(LOG_PER_SAMPLE, logRatio);
  shift(LOG_WITHIN, Math.log(from.linkGigabytesPerSecond / to.linkGigabytesPerSecond));
  return { ...observation, logMeans };
}

function withDoubt(prior: StepTimePrior, logSdPerSample: number): StepTimePrior {
  const covariance = inverse(cholesky(prior.logPrecision, PARAMETERS), PARAMETERS);
  const add = (index: number, sd: number) => {
    const at = index * PARAMETERS + index;
    covariance[at] = (covariance[at] ?? 0) + sd ** 2;
  };
  add(LOG_PER_SAMPLE, logSdPerSample);
  add(LOG_WITHIN, SCALED_SD);
  add(LOG_OVERHEAD, CARRIED_SD);
  return { ...prior, logPrecision: Array.from(inverse(cholesky(covariance, PARAMETERS), PARAMETERS)) };
}

function randomEffects(runs: readonly Observation[]): StepTimePrior {
  const between = betweenRuns(runs);
  const each = runs.map(({ logCovariance }) => precisionOf(plusDiagonal(logCovariance, between)));
  const total = new Float64Array(PARAMETERS * PARAMETERS);
  const weighted = new Float64Array(PARAMETERS);
  each.forEach((precision, run) => {
    for (let i = 0; i < PARAMETERS; i++) {
      for (let j = 0; j < PARAMETERS; j++) {
        const weight = precision[i * PARAMETERS + j] ?? 0;
        total[i * PARAMETERS + j] = (total[i * PARAMETERS + j] ?? 0) + weight;
        weighted[i] = (weighted[i] ?? 0) + weight * (runs[run]?.logMeans[j] ?? 0);
      }
    }
  });
  const ofMean = inverse(cholesky(total, PARAMETERS), PARAMETERS);
  const logMeans = Array.from({ length: PARAMETERS }, (_, i) => {
    let sum = 0;
    for (let j = 0; j < PARAMETERS; j++) sum += (ofMean[i * PARAMETERS + j] ?? 0) * (weighted[j] ?? 0);
    return sum;
  });
  // The next run has parameters of its own around the family's.
  return { logMeans, logPrecision: Array.from(precisionOf(plusDiagonal(Array.from(ofMean), between))) };
}

/** Variance between runs of each parameter: what their means scatter beyond their own doubt, shrunk to the usual. */
function betweenRuns(runs: readonly Observation[]): readonly number[] {
  return Array.from({ length: PARAMETERS }, (_, index) => {
    const values = runs.map(({ logMeans }) => logMeans[index] ?? 0);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const excess = runs.map(({ logMeans, logCovariance }) =>
      Math.max(0, ((logMeans[index] ?? 0) - mean) ** 2 - (logCovariance[index * PARAMETERS + index] ?? 0)),
    );
    const sum = excess.reduce((total, value) => total + value, BETWEEN_RUNS_WEIGHT * BETWEEN_RUNS_SD ** 2);
    return sum / (BETWEEN_RUNS_WEIGHT + runs.length - 1);
  });
}

function plusDiagonal(matrix: readonly number[], diagonal: readonly number[]): readonly number[] {
  return matrix.map((value, at) => {
    const row = Math.floor(at / PARAMETERS);
    return at % PARAMETERS === row ? value + (diagonal[row] ?? 0) : value;
  });
}

function precisionOf(covariance: readonly number[]): Float64Array {
  return inverse(cholesky(covariance, PARAMETERS), PARAMETERS);
}
