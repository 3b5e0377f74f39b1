import type { StepTimeParameters } from '../model/step-time.ts';
import { cholesky, inverse, solve } from './linear-algebra.ts';
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
  type StepTimePrior,
  weakPrior,
} from './step-time-prior.ts';
import {
  emptyParts,
  FITTED,
  forEachTiming,
  LOG_PACE,
  MAX_LOG_OVERLAP,
  type StepParts,
  type TimedPart,
} from './step-time-residuals.ts';
import { NO_SCATTER, varianceRatio, type WindowScatter } from './window-scatter.ts';

/** Posterior of the parameters' logarithms, as they are ordered in `step-time-prior.ts`, and of the pace behind them. */
export interface StepTimeFit {
  readonly logMeans: readonly number[];
  /** Flat, row after row. */
  readonly logCovariance: Float64Array;
  /** The covariance before anything was measured. */
  readonly priorCovariance: Float64Array;
  readonly points: readonly StepTimePoint[];
  /** What the points tell, in the order of `forEachTiming`. */
  readonly timings: readonly FittedTiming[];
}

/** One measured time as the fit has it. */
export interface FittedTiming {
  readonly point: StepTimePoint;
  readonly part: TimedPart;
  /** Logarithm of the time that was measured over the one that the fit says. */
  readonly residual: number;
  /** Derivatives of the logarithm of the time that the fit says. */
  readonly slopes: Float64Array;
  /** Of the measured logarithm: the larger, the less the fit makes of it. */
  readonly variance: number;
}

/** Machines that change become slower or faster by a third, give or take. */
const LOG_PACE_SD = 0.5;
const HUBER = 1.345;
const MAX_ITERATIONS = 50;
const MIN_LOG_OVERLAP = -7;
/** Degrees of freedom that the scatter of the windows is worth when the misfit of the layouts is judged. */
const MISFIT_PRIOR = 4;

/**
 * Maximum a posteriori fit of the step-time model by damped Gauss–Newton (Levenberg–Marquardt) with analytic
 * derivatives and Huber weights. Undefined without a point. Cost: points × 2 × 49 multiplications per iteration, at
 * most 50 iterations, usually 8.
 */
export function fitStepTime(
  points: readonly StepTimePoint[],
  scatter: WindowScatter = NO_SCATTER,
  prior: StepTimePrior | undefined = points[0] === undefined ? undefined : weakPrior(points[0]),
): StepTimeFit | undefined {
  if (points.length === 0 || prior === undefined) return undefined;
  const problem: Problem = {
    points,
    prior,
    step: varianceRatio(scatter.step),
    compute: varianceRatio(scatter.compute),
    exchange: varianceRatio(scatter.exchange),
  };

  const found = startsOf(points, prior).map((start) => descend(problem, start));
  const best = found.reduce((one, other) => (other.loss < one.loss ? other : one));
  const misfit = misfitOf(best, prior);
  return {
    logMeans: Array.from(best.logs),
    logCovariance: posteriorCovariance(best.curvature, misfit, prior),
    priorCovariance: unmeasured(prior).priorCovariance,
    points,
    timings: timingsOf(problem, best.logs, misfit),
  };
}

/** What is believed before anything was measured. */
export function unmeasured(prior: StepTimePrior): StepTimeFit {
  const covariance = posteriorCovariance(new Float64Array(FITTED * FITTED), 1, prior);
  const logMeans = [...prior.logMeans, 0];
  return { logMeans, logCovariance: covariance, priorCovariance: covariance, points: [], timings: [] };
}

/** The posterior of the parameters alone, whatever the pace was before a change. */
export function parameterPosterior({ logMeans, logCovariance }: StepTimeFit): {
  readonly logMeans: readonly number[];
  /** Flat, row after row. */
  readonly logCovariance: readonly number[];
} {
  const isOfParameters = (at: number) => Math.floor(at / FITTED) < PARAMETERS && at % FITTED < PARAMETERS;
  return {
    logMeans: logMeans.slice(0, PARAMETERS),
    logCovariance: Array.from(logCovariance).filter((_, at) => isOfParameters(at)),
  };
}

/**
 * An exchange far shorter than a pass is hidden by it and leaves no slope to follow, so a prior that has it too short
 * would never be left: the second start has both equally long.
 */
function startsOf(points: readonly StepTimePoint[], prior: StepTimePrior): readonly Float64Array[] {
  const fromPrior = Float64Array.from([...prior.logMeans, 0]);
  const exchanging = points.find((point) => point.dataParallelSize > 1);
  if (exchanging === undefined) return [fromPrior];
  const visible = Float64Array.from([...weakPrior(exchanging).logMeans, 0]);
  visible[LOG_WITHIN] = Math.log(exchanging.meanSeconds / exchanging.gradientAccumulationSteps);
  visible[LOG_BETWEEN_OVER_WITHIN] = 0;
  return [fromPrior, visible];
}

/** Levenberg–Marquardt from one start. */
function descend(problem: Problem, start: Float64Array): System {
  let now = linearise(problem, start, emptySystem());
  let next = emptySystem();
  let damping = 1e-3;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    linearise(problem, stepFrom(now, damping, problem.prior), next);
    if (next.loss <= now.loss) {
      const done = now.loss - next.loss < 1e-9;
      [now, next] = [next, now];
      damping = Math.max(1e-9, damping / 10);
      if (done) break;
    } else {
      damping *= 10;
      if (damping > 1e6) break;
    }
  }
  return now;
}

/** Parameters for logarithms, without what no timing tells: the loader's pace and how far the model is trusted. */
export function parametersFromLogs(
  logs: ArrayLike<number>,
): Omit<StepTimeParameters, 'loaderSecondsPerSample' | 'trustedDataParallelSize' | 'factorBeyondTrust'> {
  const at = (index: number) => logs[index] ?? Number.NaN;
  const within = at(LOG_WITHIN);
  const between = within + at(LOG_BETWEEN_OVER_WITHIN);
  return {
    overheadSeconds: Math.exp(at(LOG_OVERHEAD)),
    secondsPerSample: Math.exp(at(LOG_PER_SAMPLE)),
    exchangeSecondsWithinNode: Math.exp(within),
    exchangeSecondsPerRankWithinNode: Math.exp(within + at(LOG_GROWTH_WITHIN)),
    exchangeSecondsBetweenNodes: Math.exp(between),
    exchangeSecondsPerRankBetweenNodes: Math.exp(between + at(LOG_GROWTH_BETWEEN)),
    overlapExponent: 1 + Math.exp(Math.min(MAX_LOG_OVERLAP, at(LOG_OVERLAP))),
  };
}

interface Problem {
  readonly points: readonly StepTimePoint[];
  readonly prior: StepTimePrior;
  /** Variance of the job's windows over the standard one, of steps and their parts. */
  readonly step: number;
  readonly compute: number;
  readonly exchange: number;
}

/** The normal equations at one place. */
interface System {
  readonly logs: Float64Array;
  /** Of the measurements alone; the prior's precision comes on top. */
  readonly curvature: Float64Array;
  readonly gradient: Float64Array;
  readonly parts: StepParts;
  loss: number;
  /** Weighted squares of the residuals, and how many there are. */
  squares: number;
  residuals: number;
}

function emptySystem(): System {
  return {
    logs: new Float64Array(FITTED),
    curvature: new Float64Array(FITTED * FITTED),
    gradient: new Float64Array(FITTED),
    parts: emptyParts(),
    loss: 0,
    squares: 0,
    residuals: 0,
  };
}

function linearise(problem: Problem, logs: Float64Array, system: System): System {
  system.logs.set(logs);
  system.curvature.fill(0);
  system.gradient.fill(0);
  system.loss = 0;
  system.squares = 0;
  system.residuals = 0;
  forEachTiming(problem.points, logs, system.parts, (residual, slopes, part, point) => {
    add(system, residual, slopes, point.precision / problem[part]);
  });
  addPrior(system, problem.prior);
  return system;
}

function add(system: System, residual: number, slopes: Float64Array, precision: number): void {
  const { curvature, gradient } = system;
  const scaled = Math.abs(residual) * Math.sqrt(precision);
  const far = scaled > HUBER;
  const weight = huberWeight(scaled) * precision;
  system.loss += far ? HUBER * scaled - HUBER ** 2 / 2 : scaled ** 2 / 2;
  system.squares += weight * residual ** 2;
  system.residuals += 1;
  for (let i = 0; i < FITTED; i++) {
    const slope = weight * (slopes[i] ?? 0);
    if (slope === 0) continue;
    gradient[i] = (gradient[i] ?? 0) + slope * residual;
    for (let j = 0; j < FITTED; j++) {
      const at = i * FITTED + j;
      curvature[at] = (curvature[at] ?? 0) + slope * (slopes[j] ?? 0);
    }
  }
}

function addPrior(system: System, prior: StepTimePrior): void {
  const { logs, gradient } = system;
  for (let i = 0; i < PARAMETERS; i++) {
    let pull = 0;
    for (let j = 0; j < PARAMETERS; j++) {
      pull += (prior.logPrecision[i * PARAMETERS + j] ?? 0) * ((prior.logMeans[j] ?? 0) - (logs[j] ?? 0));
    }
    gradient[i] = (gradient[i] ?? 0) + pull;
    system.loss += (pull * ((prior.logMeans[i] ?? 0) - (logs[i] ?? 0))) / 2;
  }
  const pace = logs[LOG_PACE] ?? 0;
  gradient[LOG_PACE] = (gradient[LOG_PACE] ?? 0) - pace / LOG_PACE_SD ** 2;
  system.loss += pace ** 2 / LOG_PACE_SD ** 2 / 2;
}

/** Where the damped normal equations lead, by steps that the linear picture can bear. */
function stepFrom({ curvature, gradient, logs }: System, damping: number, prior: StepTimePrior): Float64Array {
  const damped = withPrior(curvature, 1, prior);
  for (let i = 0; i < FITTED; i++) {
    const at = i * FITTED + i;
    damped[at] = (damped[at] ?? 0) * (1 + damping);
  }
  const step = solve(cholesky(damped, FITTED), gradient);
  return logs.map((value, index) => {
    const moved = value + Math.max(-2, Math.min(2, step[index] ?? 0));
    return index === LOG_OVERLAP ? Math.max(MIN_LOG_OVERLAP, Math.min(MAX_LOG_OVERLAP, moved)) : moved;
  });
}

/** Curvature of the measurements, worth 1/`scale`, and of the prior. */
function withPrior(curvature: Float64Array, scale: number, prior: StepTimePrior): Float64Array {
  const sum = curvature.map((value) => value / scale);
  for (let i = 0; i < PARAMETERS; i++) {
    for (let j = 0; j < PARAMETERS; j++) {
      sum[i * FITTED + j] = (sum[i * FITTED + j] ?? 0) + (prior.logPrecision[i * PARAMETERS + j] ?? 0);
    }
  }
  const pace = LOG_PACE * FITTED + LOG_PACE;
  sum[pace] = (sum[pace] ?? 0) + 1 / LOG_PACE_SD ** 2;
  return sum;
}

/** (JᵀWJ/misfit + prior)⁻¹ */
function posteriorCovariance(curvature: Float64Array, misfit: number, prior: StepTimePrior): Float64Array {
  return inverse(cholesky(withPrior(curvature, misfit, prior), FITTED), FITTED);
}

/**
 * Where the layouts agree with the model less well than their windows scatter, the measurements are worth that much
 * less (Birge 1932, Physical Review 40, 207); at least 1.
 */
function misfitOf({ curvature, squares, residuals }: System, prior: StepTimePrior): number {
  let told = 0;
  posteriorCovariance(curvature, 1, prior).forEach((value, at) => {
    told += value * (curvature[at] ?? 0);
  });
  return Math.max(1, (squares + MISFIT_PRIOR) / (Math.max(0, residuals - told) + MISFIT_PRIOR));
}

function timingsOf(problem: Problem, logs: Float64Array, misfit: number): readonly FittedTiming[] {
  const timings: FittedTiming[] = [];
  forEachTiming(problem.points, logs, emptyParts(), (residual, slopes, part, point) => {
    const precision = point.precision / problem[part];
    const weight = huberWeight(Math.abs(residual) * Math.sqrt(precision)) * precision;
    timings.push({ point, part, residual, slopes: slopes.slice(), variance: misfit / weight });
  });
  return timings;
}

/** Share that a residual of so many standard deviations counts. */
function huberWeight(scaled: number): number {
  return scaled > HUBER ? HUBER / scaled : 1;
}
