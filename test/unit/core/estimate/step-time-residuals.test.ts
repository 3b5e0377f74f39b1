import { expect } from 'chai';
import fc from 'fast-check';
import { parametersFromLogs } from '../../../../src/core/estimate/step-time-fit.ts';
import { PARAMETERS } from '../../../../src/core/estimate/step-time-prior.ts';
import { emptyParts, evaluate } from '../../../../src/core/estimate/step-time-residuals.ts';
import { stepSeconds } from '../../../../src/core/model/step-time.ts';
import { aStepTime } from '../../../support/a-step-time.ts';

const layouts = fc.record({
  nodes: fc.integer({ min: 1, max: 4 }),
  dataParallelSize: fc.integer({ min: 1, max: 32 }),
  microBatchSize: fc.integer({ min: 1, max: 512 }),
  gradientAccumulationSteps: fc.integer({ min: 1, max: 8 }),
});
const between = (min: number, max: number) => fc.double({ min, max, noNaN: true });
const logs = fc.tuple(
  between(-6, 1),
  between(-9, -2),
  between(-7, 2),
  between(-5, 0),
  between(-1, 3),
  between(-5, 0),
  between(-3, 2),
);

describe('the model of the fit', () => {
  it('is the model of the planner', () => {
    fc.assert(
      fc.property(logs, layouts, (at, layout) => {
        const parts = emptyParts();
        evaluate(at, layout, parts);
        const parameters = aStepTime(parametersFromLogs(at));
        expect(parts.seconds / stepSeconds(parameters, layout)).to.be.closeTo(1, 1e-9);
        const { overheadSeconds: a, secondsPerSample: b } = parameters;
        const compute = layout.gradientAccumulationSteps * (a + b * layout.microBatchSize);
        expect(parts.computeSeconds / compute).to.be.closeTo(1, 1e-9);
        expect(parts.exchangeSeconds).to.be.closeTo(parts.seconds - compute, 1e-9 * parts.seconds);
      }),
    );
  });

  it('has the derivatives that finite differences give', () => {
    const step = 1e-5;
    fc.assert(
      fc.property(logs, layouts, fc.nat(PARAMETERS - 1), (at, layout, index) => {
        const moved = (by: number) => {
          const parts = emptyParts();
          evaluate(
            at.map((value, place) => (place === index ? value + by : value)),
            layout,
            parts,
          );
          return parts;
        };
        const [here, more, less] = [moved(0), moved(step), moved(-step)];
        const slope = (of: 'seconds' | 'computeSeconds' | 'exchangeSeconds') =>
          (Math.log(more[of]) - Math.log(less[of])) / (2 * step);
        expect(here.slopes[index]).to.be.closeTo(slope('seconds'), 1e-6);
        expect(here.computeSlopes[index]).to.be.closeTo(slope('computeSeconds'), 1e-6);
        if (layout.dataParallelSize < 2) return;
        expect(here.exchangeSlopes[index]).to.be.closeTo(slope('exchangeSeconds'), 1e-5);
      }),
      { numRuns: 500 },
    );
  });

  it('stays finite where the exchange is hidden for all purposes', () => {
    const parts = emptyParts();
    const layout = { nodes: 2, dataParallelSize: 8, microBatchSize: 8, gradientAccumulationSteps: 1 };
    evaluate([5, 2, -60, -3, 0, -3, 2], layout, parts);
    expect(parts.exchangeSeconds).to.be.above(0);
    for (const slopes of [parts.slopes, parts.computeSlopes, parts.exchangeSlopes]) {
      expect(slopes.every(Number.isFinite)).to.equal(true);
    }
  });
});
