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

  it('foresees next to no growth from a noise scale that stands still', () => {
    for (const noise of ahead(
      follow(() => 500),
      500,
    )) {
      expect(noise).to.be.within(500, 1.1 * 500);
    }
  });

  it('foresees none from one that falls', () => {
    const trail = follow((work) => 1e9 / work);
    const now = trail.at(-1)?.gradientNoiseScale ?? expect.fail('a trail');
    expect(ahead(trail, now)).to.deep.equal(new Array(NOISE_PARTS).fill(now));
  });

  for (const { name, trail } of [
    { name: 'too few points', trail: follow((work) => work, 1300) },
    { name: 'nothing', trail: [] },
  ]) {
    it(`foresees the usual growth, with the square root of the work, from ${name}`, () => {
      const now = trail.at(-1)?.gradientNoiseScale ?? 500;
      const done = 1e6;
      const middles = Array.from({ length: NOISE_PARTS }, (_, part) => done + (done * (part + 0.5)) / NOISE_PARTS);
      const foreseen = ahead(trail, now, done);
      middles.forEach((middle, part) => {
        expect(foreseen[part]).to.be.closeTo(now * Math.sqrt(middle / done), 1e-6 * now);
      });
    });
  }

  it('never foresees a fall, nor the growth of the first hundredth over again', () => {
    const power = fc.double({ min: -2, max: 3, noNaN: true });
    const draw = fc.double({ min: -3, max: 3, noNaN: true });
    fc.assert(
      fc.property(power, draw, fc.double({ min: 1, max: 1e9, noNaN: true }), (exponent, slopeDraw, remaining) => {
        const trail = follow((work) => 100 * (work / 1e6) ** exponent);
        // The measured power, the draw's three deviations of at most 0.4, and a hundred times the work.
        const most = 100 * 100 ** (Math.max(0.5, exponent) + 3 * 0.4);
        for (const noise of ahead(trail, 100, remaining, slopeDraw)) {
          expect(noise).to.be.within(100 * (1 - 1e-9), most * (1 + 1e-9));
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
