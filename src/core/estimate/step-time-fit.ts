import { ringFactor, type StepTimeParameters, stepSeconds } from '../model/step-time.ts';
import { inverse, type Matrix, solve, type Vector } from './linear-algebra.ts';
import { type StepTimePoint, stepTimeVariance } from './step-time.ts';

/** Posterior of (ln a, ln b, ln c): means and covariance. */
export interface StepTimeFit {
  readonly logMeans: Vector;
  readonly logCovariance: Matrix;
}

interface Prior {
  readonly means: Vector;
  readonly sds: Vector;
}

const HUBER = 1.345;
const MAX_ITERATIONS = 50;

/**
 * Maximum a posteriori fit of the step-time model on log parameters by damped Gauss–Newton with analytic derivatives
 * and Huber weights. Undefined without a point. Cost: points × 9 multiplications per iteration, at most 50 iterations.
 */
export function fitStepTime(points: readonly StepTimePoint[]): StepTimeFit | undefined {
  const first = points[0];
  if (first === undefined) return undefined;
  const prior = weakPrior(first);

  let logs = [...prior.means];
  let system = linearise(points, prior, logs);
  let damping = 1e-3;
  for (let iteration = 0; iteration < MAX_ITERATIONS; iteration++) {
    const damped = system.curvature.map((row, i) => row.map((value, j) => (i === j ? value * (1 + damping) : value)));
    const step = solve(damped, system.gradient);
    const candidate = logs.map((value, index) => value + Math.max(-2, Math.min(2, step[index] ?? 0)));
    const next = linearise(points, prior, candidate);
    if (next.loss <= system.loss) {
      const done = system.loss - next.loss < 1e-10;
      logs = candidate;
      system = next;
      damping = Math.max(1e-9, damping / 10);
      if (done) break;
    } else {
      damping *= 10;
      if (damping > 1e6) break;
    }
  }
  return { logMeans: logs, logCovariance: inverse(system.curvature) };
}

export function parametersFromLogs(logs: Vector): StepTimeParameters {
  return {
    overheadSeconds: Math.exp(logs[0] ?? Number.NaN),
    secondsPerSample: Math.exp(logs[1] ?? Number.NaN),
    synchronizationSeconds: Math.exp(logs[2] ?? Number.NaN),
  };
}

/** Overhead 0.3 of the sample work of the first micro batch (T4 fits: 0.07–0.95), synchronisation 0.2 of a pass. */
function weakPrior(first: StepTimePoint): Prior {
  const pass = first.meanSeconds / first.gradientAccumulationSteps;
  const perSample = pass / (1.3 * first.microBatchSize);
  return {
    means: [Math.log(0.3 * perSample * first.microBatchSize), Math.log(perSample), Math.log(0.2 * pass)],
    sds: [1.5, 1, 1],
  };
}

function linearise(points: readonly StepTimePoint[], prior: Prior, logs: Vector) {
  const parameters = parametersFromLogs(logs);
  const size = logs.length;
  const curvature = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  const gradient = new Array<number>(size).fill(0);
  let loss = 0;

  const add = (residual: number, slopes: Vector, precision: number, robust: boolean) => {
    const scaled = Math.abs(residual) * Math.sqrt(precision);
    const far = robust && scaled > HUBER;
    loss += far ? HUBER * scaled - HUBER ** 2 / 2 : scaled ** 2 / 2;
    const weight = far ? (precision * HUBER) / scaled : precision;
    slopes.forEach((slope, i) => {
      gradient[i] = (gradient[i] ?? 0) + weight * slope * residual;
      slopes.forEach((other, j) => {
        const row = curvature[i];
        if (row !== undefined) row[j] = (row[j] ?? 0) + weight * slope * other;
      });
    });
  };

  for (const point of points) {
    const predicted = stepSeconds(parameters, point);
    const accumulation = point.gradientAccumulationSteps;
    const slopes = [
      (accumulation * parameters.overheadSeconds) / predicted,
      (accumulation * parameters.secondsPerSample * point.microBatchSize) / predicted,
      (parameters.synchronizationSeconds * ringFactor(point.dataParallelSize)) / predicted,
    ];
    add(Math.log(point.meanSeconds / predicted), slopes, 1 / stepTimeVariance(point.weight), true);
  }
  prior.means.forEach((mean, i) => {
    const slopes = prior.means.map((_, j) => (i === j ? 1 : 0));
    add(mean - (logs[i] ?? mean), slopes, 1 / (prior.sds[i] ?? 1) ** 2, false);
  });
  return { curvature, gradient, loss };
}
