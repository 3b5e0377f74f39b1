import type { StepTimePoint } from './step-time-point.ts';

/** Places of the parameters in the vectors of a fit; ratios where a tendency is between two of them. */
export const LOG_OVERHEAD = 0;
export const LOG_PER_SAMPLE = 1;
export const LOG_WITHIN = 2;
/** ln(r1/r0) */
export const LOG_GROWTH_WITHIN = 3;
/** ln(n0/r0) */
export const LOG_BETWEEN_OVER_WITHIN = 4;
/** ln(n1/n0) */
export const LOG_GROWTH_BETWEEN = 5;
/** ln(γ − 1), which is also −logit(1/γ) */
export const LOG_OVERLAP = 6;
export const PARAMETERS = 7;

/** What is believed of the parameters' logarithms before a step was timed: a normal distribution. */
export interface StepTimePrior {
  /** `PARAMETERS` numbers. */
  readonly logMeans: readonly number[];
  /** Inverse of the covariance, flat: row after row. */
  readonly logPrecision: readonly number[];
}

/** Means and standard deviations of parameters that are believed independent of each other. */
export function independentPrior(logMeans: readonly number[], logSds: readonly number[]): StepTimePrior {
  const logPrecision = new Array<number>(PARAMETERS * PARAMETERS).fill(0);
  logSds.forEach((sd, index) => {
    logPrecision[index * PARAMETERS + index] = 1 / sd ** 2;
  });
  return { logMeans, logPrecision };
}

/** Overhead over the sample work of the first micro batch; fits of trainings on T4 span 0.07 to 0.95. */
export const OVERHEAD_SHARE = 0.3;
/** An exchange within a node over a pass: anything from hardly to be seen to as long as the pass. */
const WITHIN_SHARE = 0.1;
/** A network between nodes is slower than the links in them: hardly for PCIe, by up to 12 for NVLink. */
const BETWEEN_OVER_WITHIN = 2;
/** A ring moves 2(K−1)/K of the gradients: from 2 to 8 ranks that grows by an eighth of the first exchange a rank. */
export const GROWTH_PER_RANK = 0.1;
/** Overlap exponents fitted to the Pollux traces lie between 1.1 and 2.5. */
export const OVERLAP_EXPONENT = 1.8;

/**
 * Hardly more than the order of magnitude, taken from the first layout that was timed: each standard deviation covers
 * about an order of magnitude to both sides.
 */
export function weakPrior(first: StepTimePoint): StepTimePrior {
  const pass = (first.computeSeconds ?? first.meanSeconds) / first.gradientAccumulationSteps;
  const work = pass / (1 + OVERHEAD_SHARE);
  return independentPrior(
    [
      Math.log(OVERHEAD_SHARE * work),
      Math.log(work / first.microBatchSize),
      Math.log(WITHIN_SHARE * pass),
      Math.log(GROWTH_PER_RANK),
      Math.log(BETWEEN_OVER_WITHIN),
      Math.log(GROWTH_PER_RANK),
      Math.log(OVERLAP_EXPONENT - 1),
    ],
    [1.5, 1, 1, 1, 0.7, 1, 1],
  );
}
