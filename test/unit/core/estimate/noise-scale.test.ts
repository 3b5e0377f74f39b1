import { expect } from 'chai';
import fc from 'fast-check';
import {
  foldNoise,
  NO_NOISE_EVIDENCE,
  type NoiseEvidence,
  noiseMoments,
  noiseScaleValue,
} from '../../../../src/core/estimate/noise-scale.ts';
import type { TrainerReading } from '../../../../src/core/estimate/reading.ts';
import { normalNumbers } from '../../../../src/simulator/random.ts';
import { aReading } from '../../../support/a-reading.ts';

interface Gradients {
  readonly noiseScale: number;
  readonly small: number;
  readonly large: number;
  readonly sd: number;
  readonly seed: number;
}

/** Windows of ten observations each with |G|² = 2. */
function observe({ noiseScale, small, large, sd, seed }: Gradients, windows: number, stepsPerWindow: number) {
  const normal = normalNumbers(seed);
  let evidence: NoiseEvidence = NO_NOISE_EVIDENCE;
  let smallSum = 0;
  let largeSum = 0;
  const reading = (observations: number): TrainerReading =>
    aReading({
      gradientSmallSum: smallSum,
      gradientLargeSum: largeSum,
      gradientObservations: observations,
      gradientSmallBatch: small,
      gradientLargeBatch: large,
    });
  let before = reading(0);
  for (let window = 1; window <= windows; window++) {
    for (let observation = 0; observation < 10; observation++) {
      smallSum += 2 * (1 + noiseScale / small) * (1 + sd * Math.sqrt(small / large) * normal());
      largeSum += 2 * (1 + noiseScale / large) * (1 + sd * normal());
    }
    const after = reading(window * 10);
    evidence = foldNoise(evidence, before, after, { steps: stepsPerWindow, progressRatio: 1 });
    before = after;
  }
  return evidence;
}

describe('gradient noise scale', () => {
  it('recovers tr Σ / |G|² exactly from exact sums', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.integer({ min: 1, max: 512 }),
        fc.integer({ min: 2, max: 16 }),
        (noiseScale, small, ranks) => {
          const evidence = observe({ noiseScale, small, large: small * ranks, sd: 0, seed: 1 }, 3, 100);
          expect((noiseScaleValue(evidence) ?? 0) / noiseScale).to.be.closeTo(1, 1e-6);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('has intervals that hold the truth as often as they say', () => {
    let inside = 0;
    const runs = 200;
    for (let seed = 1; seed <= runs; seed++) {
      const evidence = observe({ noiseScale: 300, small: 32, large: 64, sd: 0.1, seed }, 12, 100);
      const moments = noiseMoments(evidence) ?? expect.fail('twelve windows are enough');
      if (Math.abs(moments.signal - 2) <= 1.28 * moments.signalSd) inside += 1;
    }
    // 80 % are promised; the prior on the scatter makes the intervals rather too wide than too narrow.
    expect(inside / runs).to.be.within(0.75, 0.99);
  });

  it('is known after one long window: many steps between readings are no reason to know nothing', () => {
    const evidence = observe({ noiseScale: 300, small: 128, large: 256, sd: 0.1, seed: 3 }, 1, 5000);
    expect(noiseScaleValue(evidence)).to.be.within(150, 600);
  });

  it('lets observations at a large batch outweigh those at a small one', () => {
    const vague = observe({ noiseScale: 300, small: 8, large: 16, sd: 0.1, seed: 5 }, 10, 100);
    const sharp = observe({ noiseScale: 300, small: 128, large: 256, sd: 0.1, seed: 5 }, 10, 100);
    expect(sharp.signalWeight).to.be.greaterThan(10 * vague.signalWeight);
  });

  it('follows a noise scale that grows', () => {
    const early = observe({ noiseScale: 300, small: 64, large: 128, sd: 0.02, seed: 1 }, 20, 500);
    let late = early;
    const before = aReading({
      gradientSmallSum: 0,
      gradientLargeSum: 0,
      gradientObservations: 0,
      gradientSmallBatch: 64,
      gradientLargeBatch: 128,
    });
    const after = {
      ...before,
      gradientSmallSum: 20 * (1 + 1200 / 64),
      gradientLargeSum: 20 * (1 + 1200 / 128),
      gradientObservations: 10,
    };
    for (let window = 0; window < 60; window++) late = foldNoise(late, before, after, { steps: 500, progressRatio: 1 });
    expect(noiseScaleValue(late)).to.be.within(1100, 1250);
  });

  const usable: Partial<TrainerReading> = {
    gradientSmallSum: 100,
    gradientLargeSum: 60,
    gradientObservations: 10,
    gradientSmallBatch: 16,
    gradientLargeBatch: 32,
  };
  const zero = { ...usable, gradientSmallSum: 0, gradientLargeSum: 0, gradientObservations: 0 };
  const refused: readonly { readonly name: string; readonly after: Partial<TrainerReading> }[] = [
    { name: 'a sum that fell', after: { ...usable, gradientSmallSum: -1 } },
    { name: 'NaN', after: { ...usable, gradientLargeSum: Number.NaN } },
    { name: 'Infinity', after: { ...usable, gradientSmallSum: Number.POSITIVE_INFINITY } },
    { name: 'no observation', after: { ...usable, gradientObservations: 0 } },
    { name: 'gradients of zero', after: zero },
    { name: 'another small batch', after: { ...usable, gradientSmallBatch: 8 } },
    { name: 'a large batch that is not larger', after: { ...usable, gradientLargeBatch: 16 } },
    { name: 'nothing', after: {} },
  ];
  for (const { name, after } of refused) {
    it(`learns nothing from ${name}`, () => {
      expect(foldNoise(NO_NOISE_EVIDENCE, aReading(zero), aReading(after), { steps: 100, progressRatio: 1 })).to.equal(
        NO_NOISE_EVIDENCE,
      );
    });
  }
});
