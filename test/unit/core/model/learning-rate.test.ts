import { expect } from 'chai';
import { learningRateScale } from '../../../../src/core/model/learning-rate.ts';

describe('learningRateScale', () => {
  const table = [
    { rule: 'None', noise: 100, want: 1 },
    { rule: 'Linear', noise: 100, want: 4 },
    { rule: 'Sqrt', noise: 100, want: 2 },
    { rule: 'AdaScale', noise: 1e9, want: 4 },
    { rule: 'AdaScale', noise: 64, want: 1.6 },
    { rule: 'AdaScale', noise: undefined, want: 1 },
  ] as const;
  for (const { rule, noise, want } of table) {
    it(`${rule} at noise scale ${noise} is ${want} for four times the batch`, () => {
      const scale = learningRateScale({
        rule,
        globalBatchSize: 64 * 4,
        initialGlobalBatchSize: 64,
        gradientNoiseScale: noise,
      });
      expect(scale).to.be.closeTo(want, 1e-4);
    });
  }
});
