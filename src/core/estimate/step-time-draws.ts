import { type StepTimeParameters, stepSeconds } from '../model/step-time.ts';
import { DrawCorrection } from './draw-correction.ts';
import type { Draw } from './draws.ts';
import { cholesky } from './linear-algebra.ts';
import { type FittedTiming, parametersFromLogs, type StepTimeFit } from './step-time-fit.ts';
import { PARAMETERS } from './step-time-prior.ts';
import { FITTED, LOG_PACE } from './step-time-residuals.ts';
import { exposedSeconds } from './window-scatter.ts';

/** Coordinates of a draw that the step time takes, from the first one on. */
export const STEP_TIME_COORDINATES = PARAMETERS + 1;
const BEYOND_TRUST = PARAMETERS;

/**
 * Within twice the ranks that were measured the model errs by some 15 % on the Pollux traces, far beyond by 40 %: there
 * the logarithm of a step time gets this standard deviation on top of what the fit says.
 */
const TRUSTED_SCALE = 2;
const SD_BEYOND_TRUST = 0.35;

/**
 * Step times from the posterior: a draw turned and stretched by its covariance. That picture is linear, whereas the
 * parameters that explain a measurement lie on a curve: however well one layout's step time is known, a draw with four
 * times the overhead and the work per sample that goes with it in the linear picture takes longer. A draw that has left
 * what was measured by more than the error of measurement is corrected; others stay what they are.
 *
 * @param timedRanks the most that this run or its family was timed with
 */
export function stepTimeSampler(fit: StepTimeFit, timedRanks: number): (draw: Draw) => StepTimeParameters {
  const lower = cholesky(fit.logCovariance, FITTED);
  const expectations = fit.timings.map((timing) => ({ timing, spread: spreadOf(timing, lower) }));
  const correction = new DrawCorrection(fit);
  const trustedDataParallelSize = TRUSTED_SCALE * timedRanks;
  const logs = new Float64Array(FITTED);
  const residuals = new Float64Array(expectations.length);

  const parametersOf = (draw: Draw): StepTimeParameters => ({
    ...parametersFromLogs(logs),
    loaderSecondsPerSample: 0,
    trustedDataParallelSize,
    factorBeyondTrust: Math.exp(SD_BEYOND_TRUST * (draw[BEYOND_TRUST] ?? 0)),
  });

  return (draw) => {
    // 1. The draw as the covariance has it. No coordinate is left for the pace by itself: it goes with the others.
    for (let i = 0; i < FITTED; i++) logs[i] = (fit.logMeans[i] ?? Number.NaN) + turned(lower, i * FITTED, draw);
    const parameters = parametersOf(draw);

    // 2. Does it leave what was measured as far behind as it should?
    let isOff = false;
    expectations.forEach(({ timing, spread }, at) => {
      const residual = timing.residual - turned(spread, 0, draw);
      residuals[at] = residual;
      const off = residualOf(timing, parameters, logs[LOG_PACE] ?? 0) - residual;
      if (!(off ** 2 <= timing.variance)) isOff = true;
    });
    if (!isOff) return parameters;

    // 3. If not, the nearest parameters that do.
    correction.correct(logs, residuals);
    return parametersOf(draw);
  };
}

/** One row of a matrix on a draw's coordinates, up to the last one of the model's parameters. */
function turned(row: Float64Array, from: number, draw: Draw): number {
  let sum = 0;
  for (let k = 0; k < PARAMETERS; k++) sum += (row[from + k] ?? 0) * (draw[k] ?? 0);
  return sum;
}

/** How the logarithm of a time grows with each coordinate of a draw in the linear picture. */
function spreadOf({ slopes }: FittedTiming, lower: Float64Array): Float64Array {
  const spread = new Float64Array(PARAMETERS);
  for (let i = 0; i < FITTED; i++) {
    for (let k = 0; k < PARAMETERS; k++) {
      spread[k] = (spread[k] ?? 0) + (slopes[i] ?? 0) * (lower[i * FITTED + k] ?? 0);
    }
  }
  return spread;
}

/** As `forEachTiming` has it, without derivatives and so in a fraction of the time. */
function residualOf({ point, part }: FittedTiming, parameters: StepTimeParameters, logPace: number): number {
  const pace = point.isBeforeChange ? logPace : 0;
  const step = part === 'compute' ? 0 : stepSeconds(parameters, point);
  if (part === 'step') return Math.log(point.meanSeconds / step) - pace;
  const compute =
    point.gradientAccumulationSteps * (parameters.overheadSeconds + parameters.secondsPerSample * point.microBatchSize);
  return part === 'compute'
    ? Math.log((point.computeSeconds ?? Number.NaN) / compute) - pace
    : Math.log((exposedSeconds(point) ?? Number.NaN) / (step - compute)) - pace;
}
