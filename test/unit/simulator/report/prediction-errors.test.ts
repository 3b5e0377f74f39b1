import { expect } from 'chai';
import {
  comparisons,
  coverage,
  errorBands,
  halfWay,
  relativeError,
} from '../../../../src/simulator/report/prediction-errors.ts';
import { coverageSentence } from '../../../../src/simulator/report/prediction-plot.ts';
import { aJobResult } from '../../../support/a-simulation-result.ts';

const about = (value: number, spread: number) => ({ value, low: value - spread, high: value + spread });
/** Started at 100, finished at 1100, cost 2: the first prediction misses both, the second holds both. */
const job = aJobResult({
  startedAt: 100,
  finishedAt: 1100,
  cost: 2,
  predictions: [
    { at: 200, finish: about(1600, 100), cost: about(3, 0.5) },
    { at: 700, finish: about(1200, 100), cost: about(2.1, 0.2) },
  ],
});

describe('predictions against what came', () => {
  it('count the intervals that held it', () => {
    expect(coverage(comparisons([job], 'finish'))).to.equal(0.5);
    expect(coverage(comparisons([job], 'cost'))).to.equal(0.5);
    expect(coverage([])).to.equal(undefined);
  });

  it('measure the error by the length of the run, not by the clock', () => {
    expect(comparisons([job], 'finish').map(relativeError)).to.deep.equal([0.5, 0.1]);
  });

  it('compare each job once, by the prediction nearest to half-way', () => {
    expect(halfWay(comparisons([job], 'finish')).map(({ progress }) => progress)).to.deep.equal([0.6]);
  });

  it('say nothing of jobs that have not finished, and of numbers that are none', () => {
    expect(comparisons([{ ...job, finishedAt: undefined }], 'finish')).to.deep.equal([]);
    expect(comparisons([{ ...job, cost: Number.NaN }], 'cost')).to.deep.equal([]);
    expect(
      comparisons([{ ...job, predictions: [{ at: 200, finish: about(Number.NaN, 1), cost: about(1, 1) }] }], 'finish'),
    ).to.deep.equal([]);
  });

  it('are grouped by tenths of the run', () => {
    expect(errorBands(comparisons([job], 'finish'))).to.deep.equal([
      { progress: 0.15, low: 0.5, median: 0.5, high: 0.5 },
      { progress: 0.65, low: 0.1, median: 0.1, high: 0.1 },
    ]);
  });

  it('are told in a sentence', () => {
    expect(coverageSentence('finish', comparisons([job], 'finish'))).to.equal(
      'The 90% intervals held the actual finish in 50% of 2 predictions (0%, 100% and – in the three thirds of the runs).',
    );
  });
});
