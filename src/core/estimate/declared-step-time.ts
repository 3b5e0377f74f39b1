import { type DeclaredModel, flopsPerSampleOf, parametersOf } from './declared-model.ts';
import { flopsPerSecond, type GpuPeak } from './gpu-peaks.ts';
import {
  GROWTH_PER_RANK,
  independentPrior,
  OVERHEAD_SHARE,
  OVERLAP_EXPONENT,
  type StepTimePrior,
} from './step-time-prior.ts';

/**
 * Share of its peak that a GPU reaches in training: from a sixth for small models to two thirds for the best kernels
 * (Chowdhery et al. 2022, table 3, lists 21 % to 46 % for large language models).
 */
const UTILISATION = 0.35;
const UTILISATION_LOG_SD = 0.45;
/** What libraries reach of a link, and a network of 25 Gb/s, the usual one between nodes with GPUs. */
const LINK_SHARE = 0.6;
const NETWORK_GIGABYTES_PER_SECOND = 3.125;

/**
 * What a step takes by what the model has to compute and the GPU can do; undefined without either. `microBatchSize` is
 * the one that the run starts with: the overhead of a pass is known only in proportion to such a pass.
 */
export function declaredStepTime(
  model: DeclaredModel,
  peak: GpuPeak,
  microBatchSize: number,
): StepTimePrior | undefined {
  const flops = flopsPerSampleOf(model);
  if (flops === undefined) return undefined;
  const perSample = flops / (UTILISATION * flopsPerSecond(peak, model.precision));
  const work = perSample * microBatchSize;
  const bytes = (parametersOf(model) ?? 0) * (model.precision === 'FP32' || model.precision === 'TF32' ? 4 : 2);
  // A ring moves 2·(K−1)/K of the gradients; between two ranks that is once their size.
  const within = exchange(bytes, peak.linkGigabytesPerSecond, work);
  const between = exchange(bytes, NETWORK_GIGABYTES_PER_SECOND, work);
  return independentPrior(
    [
      Math.log(OVERHEAD_SHARE * work),
      Math.log(perSample),
      Math.log(within),
      Math.log(GROWTH_PER_RANK),
      Math.log(Math.max(1, between / within)),
      Math.log(GROWTH_PER_RANK),
      Math.log(OVERLAP_EXPONENT - 1),
    ],
    [1.5, UTILISATION_LOG_SD, 1, 1, 0.7, 1, 1],
  );
}

/** Without known gradients an exchange is taken to be a tenth of a pass, as the weak prior has it. */
function exchange(bytes: number, gigabytesPerSecond: number, passSeconds: number): number {
  return bytes === 0 ? 0.1 * passSeconds : bytes / (LINK_SHARE * gigabytesPerSecond * 1e9);
}
