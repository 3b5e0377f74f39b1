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
 * The same while the noise scale changes: `noiseScales` are those in the middle of equal parts of the work. As the
 * noise scale grows, a large batch needs ever fewer steps.
 */
export function stepsForWorkAhead(
  referenceSamples: number,
  noiseScales: readonly number[],
  globalBatchSize: number,
  referenceBatchSize: number,
): number {
  let samplesPerSample = 0;
  for (const noise of noiseScales) {
    samplesPerSample += 1 / statisticalEfficiency(noise, globalBatchSize, referenceBatchSize);
  }
  return (referenceSamples * samplesPerSample) / noiseScales.length / globalBatchSize;
}
