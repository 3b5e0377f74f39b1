import { expect } from 'chai';
import fc from 'fast-check';
import { fitSamplesToTarget, samplesAt } from '../../../../src/core/profile/samples-to-target.ts';

const trueSamples = (batch: number, noise: number) => 1e6 * (1 + batch / noise);
const runsAt = (batches: readonly number[], noise: number) =>
  batches.map((globalBatchSize) => ({ globalBatchSize, samples: trueSamples(globalBatchSize, noise) }));
const fitted = (runs: Parameters<typeof fitSamplesToTarget>[0]) =>
  fitSamplesToTarget(runs) ?? expect.fail('there are runs');

describe('samples to target against the batch', () => {
  it('is not known without runs, nor from runs that did nothing', () => {
    expect(fitSamplesToTarget([])).to.equal(undefined);
    expect(fitSamplesToTarget([{ globalBatchSize: 64, samples: 0 }])).to.equal(undefined);
  });

  it('finds the curve that runs without scatter lie on, whatever its noise scale', () => {
    fc.assert(
      fc.property(fc.double({ min: 100, max: 20_000, noNaN: true }), (noise) => {
        const curve = fitted(runsAt([64, 256, 1024, 4096, 16_384], noise));
        for (const batch of [128, 2048, 32_768]) {
          const off = Math.exp(samplesAt(curve, batch).logMean) / trueSamples(batch, noise) - 1;
          expect(Math.abs(off), `batch ${batch}`).to.be.lessThan(0.05);
        }
      }),
    );
  });

  it('is not bent by one batch with a recipe of its own', () => {
    const runs = [...runsAt([64, 256, 1024, 2048, 4096, 8192], 2000), { globalBatchSize: 512, samples: 3e6 }];
    const at = Math.exp(samplesAt(fitted(runs), 1024).logMean);
    expect(at / trueSamples(1024, 2000)).to.be.within(0.95, 1.1);
  });

  it('is doubted more where nobody tried, and less with more batches', () => {
    const curve = fitted(runsAt([64, 128, 256], 2000));
    const sd = (batch: number) => samplesAt(curve, batch).logSd;
    expect(sd(4096)).to.be.greaterThan(2 * sd(128));
    const better = fitted(runsAt([64, 128, 256, 1024, 4096], 2000));
    expect(samplesAt(better, 4096).logSd).to.be.lessThan(sd(4096));
  });
});
