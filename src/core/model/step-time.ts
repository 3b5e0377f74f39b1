import type { Configuration } from '../configuration.ts';

/**
 * Step time of data-parallel training in the form of Pollux (Qiao et al., OSDI 2021, section 3.2):
 *
 *     pass = a + b·m
 *     sync = 0 for one rank, r0 + r1·(K−2) on one node, n0 + n1·(K−2) on several
 *     T    = (s−1)·pass + (pass^γ + sync^γ)^(1/γ)
 *
 * for K ranks and s passes of m samples, and never less than the data loader takes.
 */
export interface StepTimeParameters {
  /** a: seconds that every forward and backward pass costs whatever its size. */
  readonly overheadSeconds: number;
  /** b: seconds per sample of a pass. */
  readonly secondsPerSample: number;
  /** r0 and r1: seconds of an exchange between two ranks of one node, and of each rank more. */
  readonly exchangeSecondsWithinNode: number;
  readonly exchangeSecondsPerRankWithinNode: number;
  /** n0 and n1: the same where the ranks stand on several nodes. */
  readonly exchangeSecondsBetweenNodes: number;
  readonly exchangeSecondsPerRankBetweenNodes: number;
  /** γ: 1 when the exchange follows the last pass; the larger, the more of the two run at once. */
  readonly overlapExponent: number;
  /** Seconds in which the loader of one rank makes one sample; 0 when it is not known to hold anything up. */
  readonly loaderSecondsPerSample: number;
  /** Ranks up to which the model is trusted, and the factor on the step time beyond them. */
  readonly trustedDataParallelSize: number;
  readonly factorBeyondTrust: number;
}

export type StepLayout = Pick<
  Configuration,
  'nodes' | 'dataParallelSize' | 'microBatchSize' | 'gradientAccumulationSteps'
>;

/** Share of the gradients' size that a ring all-reduce over that many ranks moves, 0 for one rank. */
export function ringFactor(dataParallelSize: number): number {
  return dataParallelSize > 1 ? (2 * (dataParallelSize - 1)) / dataParallelSize : 0;
}

/** Seconds that one exchange of the gradients takes by itself. */
export function exchangeSeconds(parameters: StepTimeParameters, layout: StepLayout): number {
  const more = layout.dataParallelSize - 2;
  if (more < 0) return 0;
  return layout.nodes > 1
    ? parameters.exchangeSecondsBetweenNodes + parameters.exchangeSecondsPerRankBetweenNodes * more
    : parameters.exchangeSecondsWithinNode + parameters.exchangeSecondsPerRankWithinNode * more;
}

/**
 * Seconds per optimizer step. Called about a million times a decision of a large fleet: no allocation, and two powers
 * only where an exchange overlaps.
 */
export function stepSeconds(parameters: StepTimeParameters, layout: StepLayout): number {
  const passes = layout.gradientAccumulationSteps;
  const pass = parameters.overheadSeconds + parameters.secondsPerSample * layout.microBatchSize;
  const exchange = exchangeSeconds(parameters, layout);
  let seconds = (passes - 1) * pass + overlapped(pass, exchange, parameters.overlapExponent);
  const loader = parameters.loaderSecondsPerSample * layout.microBatchSize * passes;
  if (loader > seconds) seconds = loader;
  return layout.dataParallelSize > parameters.trustedDataParallelSize
    ? seconds * parameters.factorBeyondTrust
    : seconds;
}

/** (x^γ + y^γ)^(1/γ), from the ratio of the two so that no power overflows. */
export function overlapped(one: number, other: number, exponent: number): number {
  if (other === 0) return one;
  if (exponent === 1) return one + other;
  const larger = Math.max(one, other);
  const ratio = Math.min(one, other) / larger;
  return larger * (1 + ratio ** exponent) ** (1 / exponent);
}
