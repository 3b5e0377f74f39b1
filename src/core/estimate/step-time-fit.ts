import type { StepTimeParameters } from '../model/step-time.ts';
import { cholesky, inverse, solve } from './linear-algebra.ts';
import { exchangeScatter, type StepTimePoint, stepTimeScatter } from './step-time.ts';
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
import { emptyParts, evaluate, MAX_LOG_OVERLAP, type StepParts } from './step-time-residuals.ts';

/** Posterior of the parameters' logarithms, as they are ordered in `step-time-prior.ts`. */
export interface StepTimeFit {
  readonly logMeans: readonly number[];
  /** Flat, row after row. */
  readonly logCovariance: readonly number[];
}

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
  prior: StepTimePrior | undefined = points[0] === undefined ? undefined : weakPrior(points[0]),
): StepTimeFit | undefined {
  if (points.length === 0 || prior === undefined) return undefined;
  const problem: Problem = { points, prior, step: stepTimeScatter(points), exchange: exchangeScatter(points) };

  let now = linearise(problem, Float64Array.from(prior.logMeans), emptySystem());
  let next = emptySystem();
  let damping = 1e-3;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    linearise(problem, stepFrom(now, damping, prior), next);
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
  return { logMeans: Array.from(now.logs), logCovariance: covarianceOf(now, prior) };
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
  /** Variance of the job's windows over the standard one, of steps and of exchanges. */
  readonly step: number;
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
    logs: new Float64Array(PARAMETERS),
    curvature: new Float64Array(PARAMETERS * PARAMETERS),
    gradient: new Float64Array(PARAMETERS),
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
  const { parts } = system;
  for (const point of problem.points) {
    evaluate(logs, point, parts);
    const compute = point.computeSeconds;
    const precision = point.precision / problem.step;
    // Where computing and exchange are told apart, each tells of its own parameters; else their sum tells of all.
    if (compute === undefined || point.dataParallelSize < 2) {
      add(system, Math.log(point.meanSeconds / parts.seconds), parts.slopes, precision);
      continue;
    }
    add(system, Math.log(compute / parts.computeSeconds), parts.computeSlopes, precision);
    const exposed = point.meanSeconds - compute;
    if (exposed <= 0) continue;
    add(system, Math.log(exposed / parts.exchangeSeconds), parts.exchangeSlopes, point.precision / problem.exchange);
  }
  addPrior(system, problem.prior);
  return system;
}

function add(system: System, residual: number, slopes: Float64Array, precision: number): void {
  const { curvature, gradient } = system;
  const scaled = Math.abs(residual) * Math.sqrt(precision);
  const far = scaled > HUBER;
  const weight = far ? (precision * HUBER) / scaled : precision;
  system.loss += far ? HUBER * scaled - HUBER ** 2 / 2 : scaled ** 2 / 2;
  system.squares += weight * residual ** 2;
  system.residuals += 1;
  for (let i = 0; i < PARAMETERS; i++) {
    const slope = weight * (slopes[i] ?? 0);
    if (slope === 0) continue;
    gradient[i] = (gradient[i] ?? 0) + slope * residual;
    for (let j = 0; j < PARAMETERS; j++) {
      const at = i * PARAMETERS + j;
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
}

/** Where the damped normal equations lead, by steps that the linear picture can bear. */
function stepFrom({ curvature, gradient, logs }: System, damping: number, prior: StepTimePrior): Float64Array {
  const damped = curvature.map((value, at) => value + (prior.logPrecision[at] ?? 0));
  for (let i = 0; i < PARAMETERS; i++) {
    const at = i * PARAMETERS + i;
    damped[at] = (damped[at] ?? 0) * (1 + damping);
  }
  const step = solve(cholesky(damped, PARAMETERS), gradient);
  return logs.map((value, index) => {
    const moved = value + Math.max(-2, Math.min(2, step[index] ?? 0));
    return index === LOG_OVERLAP ? Math.max(MIN_LOG_OVERLAP, Math.min(MAX_LOG_OVERLAP, moved)) : moved;
  });
}

/**
 * (JᵀWJ + prior)⁻¹. Where the layouts agree with the model less well than their windows scatter, the measurements are
 * worth that much less (Birge 1932, Physical Review 40, 207).
 */
function covarianceOf({ curvature, squares, residuals }: System, prior: StepTimePrior): readonly number[] {
  const posterior = (scale: number) =>
    inverse(
      cholesky(
        curvature.map((value, at) => value / scale + (prior.logPrecision[at] ?? 0)),
        PARAMETERS,
      ),
      PARAMETERS,
    );
  const covariance = posterior(1);
  let told = 0;
  covariance.forEach((value, at) => {
    told += value * (curvature[at] ?? 0);
  });
  const misfit = (squares + MISFIT_PRIOR) / (Math.max(0, residuals - told) + MISFIT_PRIOR);
  return Array.from(misfit > 1 ? posterior(misfit) : covariance);
}
