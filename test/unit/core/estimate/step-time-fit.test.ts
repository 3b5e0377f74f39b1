import { expect } from 'chai';
import fc from 'fast-check';
import { estimateJob } from '../../../../src/core/estimate/estimate.ts';
import { fitStepTime, parametersFromLogs } from '../../../../src/core/estimate/step-time-fit.ts';
import { aJob, aStepTimePoint, evidenceOf } from '../../../support/a-job.ts';

const log = (min: number, max: number) =>
  fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);

function points(a: number, b: number, timed: readonly { micro: number; error: number }[]) {
  return timed.map(({ micro, error }) =>
    aStepTimePoint({ microBatchSize: micro, meanSeconds: (a + b * micro) * (1 + error) }),
  );
}

describe('fitStepTime', () => {
  it('recovers overhead and time per sample from two micro batches', () => {
    const error = fc.double({ min: -0.01, max: 0.01, noNaN: true });
    fc.assert(
      fc.property(
        log(1e-3, 1),
        fc.integer({ min: 4, max: 256 }),
        log(0.5, 2),
        error,
        error,
        (a, micro, share, e1, e2) => {
          // The two sizes lie on either side of the overhead batch a/b, where both parameters are visible.
          const b = (a / micro) * share;
          const small = Math.max(1, Math.round(micro / 4));
          const fit = fitStepTime(
            points(a, b, [
              { micro: small, error: e1 },
              { micro: micro * 4, error: e2 },
            ]),
          );
          const found = parametersFromLogs(fit?.logMeans ?? []);
          expect(found.overheadSeconds / a).to.be.closeTo(1, 0.1);
          expect(found.secondsPerSample / b).to.be.closeTo(1, 0.1);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('stays on the prior split with one micro batch, and says how unsure it is', () => {
    const estimate = estimateJob(
      aJob({
        evidence: evidenceOf({
          overheadSeconds: 0.1,
          secondsPerSample: 0.001,
          gradientNoiseScale: undefined,
          timed: [{ dataParallelSize: 1, microBatchSize: 10, gradientAccumulationSteps: 1 }],
        }),
      }),
    );
    const { overheadSeconds, secondsPerSample } = estimate ?? expect.fail('a step time was measured');
    expect(overheadSeconds.value + 10 * secondsPerSample.value).to.be.closeTo(0.11, 0.02);
    expect(overheadSeconds.value / (10 * secondsPerSample.value)).to.be.closeTo(0.3, 0.1);
    expect(overheadSeconds.high / overheadSeconds.low).to.be.greaterThan(10);
    expect(estimate?.overheadIsMeasured).to.equal(false);
  });

  it('is undefined without a point', () => expect(fitStepTime([])).to.equal(undefined));

  it('is not led astray by one wild layout among several', () => {
    const timed = [8, 16, 32, 64, 128].map((micro) => ({ micro, error: micro === 32 ? 1 : 0 }));
    const found = parametersFromLogs(fitStepTime(points(0.01, 0.001, timed))?.logMeans ?? []);
    expect(found.overheadSeconds).to.be.closeTo(0.01, 0.002);
    expect(found.secondsPerSample).to.be.closeTo(0.001, 0.0001);
  });

  it('never fails, whatever was timed', () => {
    const point = fc
      .record({
        nodes: fc.integer({ min: 1, max: 8 }),
        dataParallelSize: fc.integer({ min: 1, max: 64 }),
        microBatchSize: fc.integer({ min: 1, max: 100_000 }),
        gradientAccumulationSteps: fc.integer({ min: 1, max: 64 }),
        meanSeconds: log(1e-6, 1e5),
        share: fc.option(fc.double({ min: 1e-9, max: 1, noNaN: true }), { nil: undefined }),
        windows: fc.integer({ min: 1, max: 40 }),
      })
      .map(({ share, windows, ...parts }) =>
        aStepTimePoint({
          ...parts,
          windows,
          precision: windows * 700,
          computeSeconds: share === undefined ? undefined : share * parts.meanSeconds,
        }),
      );
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 12 }), (timed) => {
        const fit = fitStepTime(timed);
        expect(fit?.logMeans.every(Number.isFinite)).to.equal(true);
        expect(fit?.logCovariance.every(Number.isFinite)).to.equal(true);
      }),
      { numRuns: 200 },
    );
  });
});
