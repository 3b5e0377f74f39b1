import { expect } from 'chai';
import fc from 'fast-check';
import {
  statisticalEfficiency,
  stepsForWorkAhead,
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

  it('counts the steps of a noise scale that changes part by part', () => {
    fc.assert(
      fc.property(
        fc.array(size(1e5), { minLength: 1, maxLength: 5 }),
        size(1e5),
        size(1e4),
        (noises, batch, reference) => {
          const parts = noises.map(
            (gradientNoiseScale) =>
              (1e6 / noises.length) * stepsPerReferenceSample(gradientNoiseScale, batch, reference),
          );
          const sum = parts.reduce((total, steps) => total + steps, 0);
          expect(stepsForWorkAhead(1e6, noises, batch, reference) / sum).to.be.closeTo(1, 1e-9);
        },
      ),
    );
  });
});
