import { expect } from 'chai';
import fc from 'fast-check';
import {
  cheapestGlobalBatch,
  statisticalEfficiency,
  stepsPerReferenceSample,
} from '../../../../src/core/model/steps-to-target.ts';

const size = (max: number) => fc.double({ min: 1, max, noNaN: true });

describe('steps to target', () => {
  it('follows S_min·(1 + B_noise/B)', () => {
    fc.assert(
      fc.property(size(1e5), size(1e5), size(1e5), size(1e5), (noise, batch, reference, minimumSteps) => {
        const referenceSamples = minimumSteps * (noise + reference);
        const steps = referenceSamples * stepsPerReferenceSample(noise, batch, reference);
        expect(steps / (minimumSteps * (1 + noise / batch))).to.be.closeTo(1, 1e-9);
      }),
      { numRuns: 100 },
    );
  });

  it('is 1 at the reference batch and falls above it', () => {
    expect(statisticalEfficiency(100, 32, 32)).to.equal(1);
    expect(statisticalEfficiency(100, 64, 32)).to.be.lessThan(1);
  });

  it('is cheapest at the square-root batch', () => {
    fc.assert(
      fc.property(size(1), size(1), size(1e5), fc.double({ min: 0.2, max: 5, noNaN: true }), (a, b, noise, factor) => {
        const cost = (batch: number) => (a + b * batch) * (1 + noise / batch);
        const best = cheapestGlobalBatch(a, b, noise);
        expect(cost(best)).to.be.at.most(cost(best * factor) * (1 + 1e-12));
      }),
      { numRuns: 100 },
    );
  });
});
