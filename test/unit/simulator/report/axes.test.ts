import { expect } from 'chai';
import fc from 'fast-check';
import { spendingRates } from '../../../../src/simulator/report/cost-plot.ts';
import { gpuLevel } from '../../../../src/simulator/report/gpu-levels.ts';
import { elapsed } from '../../../../src/simulator/report/quantities.ts';
import { timeAxis } from '../../../../src/simulator/report/time-axis.ts';
import { aSimulationResult } from '../../../support/a-simulation-result.ts';

function axisOf(seconds: number) {
  const empty = aSimulationResult({ jobs: 0 });
  return timeAxis({ ...empty, totals: { ...empty.totals, simulatedSeconds: seconds } });
}

describe('the axes of the report', () => {
  const spans: readonly [number, string][] = [
    [40, '5 s'],
    [2 * 3600, '10 min'],
    [10 * 3600, '1 h'],
    [96 * 3600, '12 h'],
    [30 * 86_400, '5 d'],
  ];
  for (const [seconds, second] of spans) {
    it(`steps ${second} through ${elapsed(seconds)}`, () => {
      expect(axisOf(seconds).ticks[1]?.text).to.equal(second);
    });
  }

  it('has 4 to 14 ticks, from a minute to ten years', () => {
    fc.assert(
      fc.property(fc.integer({ min: 60, max: 315_360_000 }), (seconds) => {
        expect(axisOf(seconds).ticks.length).to.be.within(4, 14);
      }),
    );
  });

  it('spreads what was spent over the hours in which it was', () => {
    const rates = spendingRates(
      [
        { at: 0, cost: 0 },
        { at: 4800, cost: 4 },
        { at: 9600, cost: 4 },
      ],
      9600,
    );
    expect(rates[0]?.rate).to.be.closeTo(3, 1e-9);
    expect(rates.at(-1)?.rate).to.equal(0);
    expect(rates.reduce((sum, { rate }) => sum + (rate * 100) / 3600, 0)).to.be.closeTo(4, 1e-9);
  });

  it('tells GPUs apart by doublings', () => {
    expect([1, 2, 3, 4, 5, 16, 17, 64, 500].map(gpuLevel)).to.deep.equal([0, 1, 2, 2, 3, 4, 5, 6, 6]);
  });

  const durations: readonly [number | undefined, string][] = [
    [undefined, '–'],
    [Number.NaN, '–'],
    [59.4, '59 s'],
    [3599, '1 h 00 min'],
    [172_800, '2 d 00 h'],
    [-90, '−2 min'],
  ];
  for (const [seconds, text] of durations) {
    it(`writes ${String(seconds)} seconds as ${text}`, () => {
      expect(elapsed(seconds)).to.equal(text);
    });
  }
});
