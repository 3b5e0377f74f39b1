import { expect } from 'chai';
import fc from 'fast-check';
import { NO_NOISE_EVIDENCE, type NoiseEvidence } from '../../../../src/core/estimate/noise-scale.ts';
import {
  foldNoiseTrail,
  NOISE_PARTS,
  type NoisePoint,
  noiseScalesAhead,
  noiseTrend,
} from '../../../../src/core/estimate/noise-trend.ts';

/** A noise scale known within a few per cent. */
const known = (noiseScale: number): NoiseEvidence => ({
  observations: 400,
  windows: 20,
  signal: 1,
  trace: noiseScale,
  signalWeight: 400,
  traceWeight: 400 / noiseScale ** 2,
  signalSpread: 0.2,
  traceSpread: 0.2,
});

/** What is kept of a training whose noise scale is `of` the work done. */
function follow(of: (work: number) => number, until = 1e6): readonly NoisePoint[] {
  let trail: readonly NoisePoint[] = [];
  for (let work = 1000; work <= until; work += 1000) trail = foldNoiseTrail(trail, known(of(work)), work);
  return trail;
}

const ahead = (trail: readonly NoisePoint[], now: number, remaining = 1e6, draw = 0) =>
  noiseScalesAhead(noiseTrend(trail), now, { done: 1e6, remaining }, draw);

describe('the trend of the noise scale', () => {
  it('keeps a bounded trail over about a decade of the work', () => {
    const trail = follow((work) => work);
    expect(trail).to.have.length(24);
    expect((trail.at(-1)?.referenceSamples ?? 0) / (trail[0]?.referenceSamples ?? 0)).to.be.within(8, 12);
  });

  it('foresees most of a growth that it saw', () => {
    const [first = 0, , last = 0] = ahead(
      follow((work) => work / 1000),
      1000,
    );
    expect(first).to.be.within(1050, 1167);
    expect(last).to.be.within(1400, 1834);
  });

  const still: readonly { readonly name: string; readonly trail: readonly NoisePoint[] }[] = [
    { name: 'a noise scale that stands still', trail: follow(() => 500) },
    { name: 'a noise scale that falls', trail: follow((work) => 1e9 / work) },
    { name: 'too few points', trail: follow((work) => work, 1300) },
    { name: 'nothing', trail: [] },
  ];
  for (const { name, trail } of still) {
    it(`foresees no growth from ${name}`, () => {
      const now = trail.at(-1)?.gradientNoiseScale ?? 500;
      expect(ahead(trail, now)).to.deep.equal(new Array(NOISE_PARTS).fill(now));
    });
  }

  it('never foresees a fall, nor more growth than was seen', () => {
    const power = fc.double({ min: -2, max: 3, noNaN: true });
    const draw = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(power, draw, fc.double({ min: 1, max: 1e9, noNaN: true }), (exponent, slopeDraw, remaining) => {
        const trail = follow((work) => 100 * (work / 1e6) ** exponent);
        const seen = 100 / (trail[0]?.gradientNoiseScale ?? 100);
        for (const noise of ahead(trail, 100, remaining, slopeDraw)) {
          expect(noise).to.be.within(100 * (1 - 1e-9), 100 * Math.max(1, seen) * (1 + 1e-9));
        }
      }),
      { numRuns: 100 },
    );
  });

  it('leaves the trail alone while there is no noise scale, and while little was done since', () => {
    const trail = follow((work) => work);
    expect(foldNoiseTrail(trail, NO_NOISE_EVIDENCE, 1e9)).to.equal(trail);
    expect(foldNoiseTrail(trail, { ...known(5), signal: -1 }, 1e9)).to.equal(trail);
    expect(foldNoiseTrail(trail, known(5), 1.01e6)).to.equal(trail);
  });
});
