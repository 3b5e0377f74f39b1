import type { LearningRateRule } from '../snapshot.ts';

/**
 * Factor on the learning rate that the user set for the initial global batch.
 *
 * Linear for SGD (Goyal et al. 2017), square root for Adam-type optimizers (Malladi et al. 2022), AdaScale's gain
 * (Johnson et al. 2020) from the noise scale; without a noise scale AdaScale keeps the rate.
 */
export function learningRateScale(options: {
  readonly rule: LearningRateRule;
  readonly globalBatchSize: number;
  readonly initialGlobalBatchSize: number;
  readonly gradientNoiseScale: number | undefined;
}): number {
  const ratio = options.globalBatchSize / options.initialGlobalBatchSize;
  switch (options.rule) {
    case 'None':
      return 1;
    case 'Linear':
      return ratio;
    case 'Sqrt':
      return Math.sqrt(ratio);
    case 'AdaScale': {
      const noise = options.gradientNoiseScale;
      if (noise === undefined) return 1;
      return (noise / options.initialGlobalBatchSize + 1) / (noise / options.globalBatchSize + 1);
    }
  }
}
