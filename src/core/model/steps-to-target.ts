/**
 * Steps to target from the gradient noise scale: S(B) = S_min·(1 + B_noise/B)
 * (McCandlish et al. 2018, "An Empirical Model of Large-Batch Training", equation 2.11).
 */

/**
 * Worth of one sample in a step of `globalBatchSize`, against one in a step of the reference batch: 1 at the reference,
 * below 1 above it.
 */
export function statisticalEfficiency(
  gradientNoiseScale: number,
  globalBatchSize: number,
  referenceBatchSize: number,
): number {
  return (gradientNoiseScale + referenceBatchSize) / (gradientNoiseScale + globalBatchSize);
}

/** Optimizer steps of `globalBatchSize` that do the work of one reference sample. */
export function stepsPerReferenceSample(
  gradientNoiseScale: number,
  globalBatchSize: number,
  referenceBatchSize: number,
): number {
  return 1 / (globalBatchSize * statisticalEfficiency(gradientNoiseScale, globalBatchSize, referenceBatchSize));
}

/**
 * The square-root rule: with step time a + b·B on one kind of hardware, the cheapest global batch is
 * sqrt((a/b)·B_noise), the geometric mean of the overhead batch and the noise scale.
 */
export function cheapestGlobalBatch(
  overheadSeconds: number,
  secondsPerSample: number,
  gradientNoiseScale: number,
): number {
  return Math.sqrt((overheadSeconds / secondsPerSample) * gradientNoiseScale);
}
