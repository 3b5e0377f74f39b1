import { expect } from 'chai';
import fc from 'fast-check';
import { foldLoss, forecastWorkToLoss, type LossPoint } from '../../../../src/core/estimate/loss-curve.ts';
import { aReading } from '../../../support/a-reading.ts';

const curve = (scale: number, slope: number, samples: readonly number[]): LossPoint[] =>
  samples.map((referenceSamples) => ({ referenceSamples, validationLoss: scale * referenceSamples ** -slope }));

describe('forecastWorkToLoss', () => {
  it('finds where a power law reaches the target', () => {
    const slope = fc.double({ min: 0.1, max: 1, noNaN: true });
    fc.assert(
      fc.property(slope, fc.double({ min: 1.2, max: 20, noNaN: true }), (q, factor) => {
        const points = curve(50, q, [3000, 4000, 6000, 8000, 10_000]);
        const target = 50 * (10_000 * factor) ** -q;
        const forecast = forecastWorkToLoss(points, target) ?? expect.fail('the loss falls');
        expect(Math.exp(forecast.logRemaining) / (10_000 * (factor - 1))).to.be.closeTo(1, 0.01);
      }),
      { numRuns: 50 },
    );
  });

  it('doubts more the farther it looks', () => {
    const points = curve(50, 0.3, [3000, 4000, 6000, 8000, 10_000]);
    const near = forecastWorkToLoss(points, 50 * 20_000 ** -0.3);
    const far = forecastWorkToLoss(points, 50 * 200_000 ** -0.3);
    expect(far?.logSd).to.be.greaterThan(near?.logSd ?? Number.NaN);
  });

  const silent = [
    { name: 'too few points', points: curve(50, 0.3, [1000, 2000, 3000]), target: 1 },
    { name: 'a loss that rises', points: curve(1, -0.2, [1000, 1500, 2000, 3000]), target: 1 },
    { name: 'a target that no power law reaches', points: curve(50, 0.3, [1000, 1500, 2000, 3000]), target: 0 },
  ];
  for (const { name, points, target } of silent) {
    it(`says nothing of ${name}`, () => expect(forecastWorkToLoss(points, target)).to.equal(undefined));
  }
});

describe('foldLoss', () => {
  it('keeps at most 32 points, the first part thinned', () => {
    let points: readonly LossPoint[] = [];
    for (let step = 1; step <= 500; step++) points = foldLoss(points, step, aReading({ validationLoss: 10 / step }));
    expect(points.length).to.be.at.most(32);
    expect(points.at(-1)).to.eql({ referenceSamples: 500, validationLoss: 10 / 500 });
  });

  it('takes a value that stands still once', () => {
    const points = foldLoss([], 1, aReading({ validationLoss: 2 }));
    expect(foldLoss(points, 2, aReading({ validationLoss: 2 }))).to.equal(points);
  });
});
