import { expect } from 'chai';
import { foldStepTime, type StepTimePoint } from '../../../../src/core/estimate/step-time.ts';
import { aConfiguration } from '../../../support/a-job.ts';
import { aReading } from '../../../support/a-reading.ts';

const point = (microBatchSize: number, meanSeconds: number): StepTimePoint => ({
  dataParallelSize: 1,
  microBatchSize,
  gradientAccumulationSteps: 1,
  weight: 200,
  meanSeconds,
});
const before = aReading({ stepSecondsSum: 0, stepSecondsCount: 0 });
const window = (seconds: number, count: number) => aReading({ stepSecondsSum: seconds, stepSecondsCount: count });

describe('foldStepTime', () => {
  const now = aConfiguration({ microBatchSize: 16 });

  it('averages windows of one layout', () => {
    const [folded] = foldStepTime([point(16, 0.1)], now, before, window(10.5, 100));
    expect(folded?.meanSeconds).to.be.closeTo(0.1025, 1e-9);
    expect(folded?.weight).to.equal(200);
  });

  it('lets the other layouts follow a machine that slowed', () => {
    const folded = foldStepTime([point(32, 0.18), point(16, 0.1)], now, before, window(13, 100));
    expect(folded.find(({ microBatchSize }) => microBatchSize === 32)?.meanSeconds).to.be.closeTo(0.18 * 1.3, 1e-9);
    expect(folded.find(({ microBatchSize }) => microBatchSize === 16)?.meanSeconds).to.be.closeTo(0.13, 1e-9);
  });

  it('gives back what one bad window took', () => {
    const bad = foldStepTime([point(32, 0.18), point(16, 0.1)], now, before, window(20, 100));
    const good = foldStepTime(bad, now, before, window(10, 100));
    expect(good.find(({ microBatchSize }) => microBatchSize === 32)?.meanSeconds).to.be.closeTo(0.18, 1e-9);
  });

  const ignored = [
    { name: 'no growth', reading: window(0, 0) },
    { name: 'a counter that fell', reading: window(-1, 10) },
    { name: 'NaN', reading: window(Number.NaN, 10) },
    { name: 'Infinity', reading: window(Number.POSITIVE_INFINITY, 10) },
    { name: 'missing', reading: aReading({ stepSecondsSum: undefined, stepSecondsCount: undefined }) },
  ];
  for (const { name, reading } of ignored) {
    it(`ignores ${name}`, () => expect(foldStepTime([point(16, 0.1)], now, before, reading)).to.eql([point(16, 0.1)]));
  }

  it('keeps at most twelve layouts', () => {
    const many = Array.from({ length: 12 }, (_, index) => point(index + 100, 1));
    expect(foldStepTime(many, now, before, window(10, 100))).to.have.length(12);
  });
});
