import { stepSeconds } from '../model/step-time.ts';
import { DRAWS, mean } from './draws.ts';
import type { Evidence } from './evidence.ts';
import { cholesky } from './linear-algebra.ts';
import { fitStepTime, parameterPosterior, parametersFromLogs, type StepTimeFit, unmeasured } from './step-time-fit.ts';
import type { StepTimePoint } from './step-time-point.ts';
import { PARAMETERS, type StepTimePrior } from './step-time-prior.ts';

/**
 * So many standard deviations from what was believed, and the history is that of another training: one run in 370 would
 * be told so wrongly, and then only learns from zero.
 */
const CONTRADICTED = 3;

/**
 * The fit to what was measured, on top of what was believed. A history that the measurements contradict is forgotten,
 * since a run that believes it would take longer to find out than one that knows nothing (Box 1980, "Sampling and Bayes'
 * inference", Journal of the Royal Statistical Society A 143, 383: the prior predictive check). Without a measurement
 * it is what is believed; undefined when nothing is.
 */
export function fitToHistory(
  { stepTimes, scatter }: Pick<Evidence, 'stepTimes' | 'scatter'>,
  prior: StepTimePrior | undefined,
): StepTimeFit | undefined {
  if (prior === undefined) return fitStepTime(stepTimes, scatter);
  if (stepTimes.length === 0) return unmeasured(prior);
  return fitStepTime(stepTimes, scatter, isContradicted(stepTimes, prior) ? undefined : prior);
}

/** Whether the layout that is timed best takes a time that the prior all but rules out. Cost: 48 step times. */
export function isContradicted(points: readonly StepTimePoint[], prior: StepTimePrior): boolean {
  const timed = points.filter(({ isBeforeChange }) => !isBeforeChange);
  const [first, ...others] = timed;
  if (first === undefined) return false;
  const best = others.reduce((one, other) => (other.precision > one.precision ? other : one), first);
  const { logMeans, logCovariance } = parameterPosterior(unmeasured(prior));
  const lower = cholesky(logCovariance, PARAMETERS);
  const logs = DRAWS.map((draw) => {
    const drawn = logMeans.map((value, i) => {
      let log = value;
      for (let k = 0; k <= i; k++) log += (lower[i * PARAMETERS + k] ?? 0) * (draw[k] ?? 0);
      return log;
    });
    const parameters = { ...parametersFromLogs(drawn), loaderSecondsPerSample: 0, ...WHOLLY_TRUSTED };
    return Math.log(stepSeconds(parameters, best));
  });
  const middle = mean(logs);
  const variance = mean(logs.map((log) => (log - middle) ** 2)) + 1 / best.precision;
  return Math.abs(Math.log(best.meanSeconds) - middle) > CONTRADICTED * Math.sqrt(variance);
}

const WHOLLY_TRUSTED = { trustedDataParallelSize: Number.POSITIVE_INFINITY, factorBeyondTrust: 1 };
