import { expect } from 'chai';
import { quantile } from '../../../../src/core/estimate/draws.ts';
import type { TrainerReading } from '../../../../src/core/estimate/reading.ts';
import {
  type FoldedStepTimes,
  foldStepTime,
  NO_STEP_TIMES,
  type StepTimes,
} from '../../../../src/core/estimate/step-time.ts';
import { fitStepTime, parametersFromLogs } from '../../../../src/core/estimate/step-time-fit.ts';
import type { StepTimePoint } from '../../../../src/core/estimate/step-time-point.ts';
import type { WindowScatter } from '../../../../src/core/estimate/window-scatter.ts';
import { stepSeconds } from '../../../../src/core/model/step-time.ts';
import { normalNumbers } from '../../../../src/simulator/random.ts';
import { aConfiguration, aStepTimePoint } from '../../../support/a-job.ts';
import { aReading } from '../../../support/a-reading.ts';
import { aStepTime } from '../../../support/a-step-time.ts';

const point = (microBatchSize: number, meanSeconds: number): StepTimePoint =>
  aStepTimePoint({ microBatchSize, meanSeconds, windows: 5, precision: 5 / 0.00135 });
const before = aReading({ stepSecondsSum: 0, stepSecondsCount: 0 });
const window = (seconds: number, count: number) => aReading({ stepSecondsSum: seconds, stepSecondsCount: count });
const now = aConfiguration({ microBatchSize: 16 });

/** Windows have been seen to scatter as the standard says. */
const SEEN_SCATTER: WindowScatter = {
  step: { sum: 40, degrees: 40 },
  compute: { sum: 0, degrees: 0 },
  exchange: { sum: 0, degrees: 0 },
};

/** Folds windows one after the other, as two readings each. */
function foldAll(points: readonly StepTimePoint[], windows: readonly TrainerReading[]): FoldedStepTimes {
  return foldMore({ ...NO_STEP_TIMES, points, scatter: SEEN_SCATTER }, windows);
}
function foldMore(times: StepTimes, windows: readonly TrainerReading[]): FoldedStepTimes {
  const start: FoldedStepTimes = { ...times, changed: false };
  return windows.reduce<FoldedStepTimes>((folded, reading) => foldStepTime(folded, now, before, reading), start);
}
const slowed = (from: readonly StepTimePoint[]) => foldAll(from, [window(13, 100), window(13, 100)]);
/** What the fit then believes of a layout on one rank. */
const believed = ({ points, scatter }: StepTimes, microBatchSize: number) =>
  stepSeconds(
    aStepTime(parametersFromLogs(fitStepTime(points, scatter)?.logMeans ?? [])),
    aConfiguration({ microBatchSize }),
  );
const at = ({ points }: StepTimes, microBatchSize: number) =>
  points.findLast((each) => each.microBatchSize === microBatchSize)?.meanSeconds;

/** Thirty usual windows, then windows 7 % slower until that is found. */
function findShift(seed: number): { readonly windows: number; readonly meanSeconds: number } {
  const normal = normalNumbers(seed);
  const noisy = (mean: number) => window(mean * 100 * (1 + 0.03 * normal()), 100);
  let times = foldAll(
    [],
    Array.from({ length: 30 }, () => noisy(0.1)),
  );
  let windows = 0;
  for (let changed = false; !changed && windows < 100; windows++) {
    times = foldStepTime(times, now, before, noisy(0.107));
    changed = times.changed;
  }
  return { windows, meanSeconds: at(times, 16) ?? Number.NaN };
}
const windowsOf = (found: readonly { readonly windows: number }[]) => found.map(({ windows }) => windows);

describe('foldStepTime', () => {
  it('averages windows of one layout by what they are worth', () => {
    const known = aStepTimePoint({ meanSeconds: 0.1 });
    const [folded] = foldAll([known], [window(21, 200)]).points;
    expect(folded?.meanSeconds).to.be.closeTo(0.1025, 1e-9);
    expect(folded?.weight).to.equal(200);
    expect(folded?.windows).to.equal(2);
  });

  it('keeps layouts on one node and on several apart', () => {
    const two = { replicas: 2, dataParallelSize: 2 };
    const far = foldStepTime(NO_STEP_TIMES, aConfiguration({ ...two, nodes: 2 }), before, window(10, 100));
    const near = foldStepTime(far, aConfiguration({ ...two, nodes: 1 }), before, window(5, 100));
    expect(near.points.map(({ nodes, meanSeconds }) => [nodes, meanSeconds])).to.deep.equal([
      [2, 0.1],
      [1, 0.05],
    ]);
  });

  it('lets the other layouts follow a machine that slowed, once a second window says so', () => {
    const times = slowed([point(32, 0.18), point(16, 0.1)]);
    expect(times.changed).to.equal(true);
    expect(at(times, 16)).to.be.closeTo(0.13, 1e-9);
    expect(believed(times, 32) / (0.18 * 1.3)).to.be.closeTo(1, 0.03);
  });

  it('gives back what bad windows took', () => {
    const bad = foldAll([point(32, 0.18), point(16, 0.1)], [window(20, 100), window(20, 100)]);
    expect(believed(bad, 32) / 0.36).to.be.closeTo(1, 0.04);
    const good = foldMore(
      bad,
      Array.from({ length: 4 }, () => window(10, 100)),
    );
    expect(believed(good, 32) / 0.18).to.be.closeTo(1, 0.04);
  });

  it('takes a first window that was the exception for no change of the machine', () => {
    const times = foldAll([point(32, 0.18)], [window(30, 100), window(10, 100), window(10, 100)]);
    expect(times.changed).to.equal(false);
    expect(at(times, 16)).to.be.closeTo(0.1, 1e-9);
  });

  it('is not moved by one slow window, however slow', () => {
    for (const seconds of [13, 20, 1e6]) {
      const folded = foldAll(
        [point(32, 0.18), point(16, 0.1)],
        [window(10, 100), window(seconds, 100), window(10, 100)],
      );
      expect(at(folded, 16), `${seconds}`).to.be.closeTo(0.1, 1e-9);
      expect(at(folded, 32), `${seconds}`).to.equal(0.18);
      expect(folded.changed).to.equal(false);
    }
  });

  it('is not moved by a slow window every few windows, as checkpoints make them', () => {
    let times: FoldedStepTimes = foldAll([point(16, 0.1)], []);
    for (let index = 0; index < 60; index++) {
      times = foldStepTime(times, now, before, window(index % 5 === 4 ? 15 : 10, 100));
      expect(times.changed).to.equal(false);
    }
    expect(at(times, 16)).to.be.closeTo(0.1, 1e-9);
  });

  it('finds a small shift by and by, and begins anew with the windows after it', () => {
    const found = Array.from({ length: 25 }, (_, seed) => findShift(seed + 1));
    expect(Math.max(...found.map(({ windows }) => windows)), 'the slowest').to.be.below(30);
    expect(quantile(windowsOf(found), 0.5), 'windows').to.be.within(3, 12);
    const means = found.map(({ meanSeconds }) => meanSeconds);
    expect(quantile(means, 0.5)).to.be.closeTo(0.107, 0.002);
  });

  const split = (compute: number | undefined, exchange: number | undefined) => ({
    start: { ...before, computeSecondsSum: 0, synchronizationSecondsSum: 0 },
    end: { ...window(10, 100), computeSecondsSum: compute, synchronizationSecondsSum: exchange },
  });
  const splits = [
    { name: 'the phase compute', ...split(8, 2), want: 0.08 },
    { name: 'the phase synchronization alone', ...split(undefined, 2.5), want: 0.075 },
    { name: 'neither phase', ...split(undefined, undefined), want: undefined },
    { name: 'phases that stay at nothing', ...split(0, 0), want: undefined },
    { name: 'a phase that fell', ...split(-1, undefined), want: undefined },
    { name: 'a phase that is no number', ...split(Number.NaN, undefined), want: undefined },
  ];
  for (const { name, start, end, want } of splits) {
    it(`tells computing from exchange by ${name}`, () => {
      const [folded] = foldStepTime(NO_STEP_TIMES, now, start, end).points;
      if (want === undefined) expect(folded?.computeSeconds).to.equal(undefined);
      else expect(folded?.computeSeconds).to.be.closeTo(want, 1e-12);
    });
  }

  const ignored = [
    { name: 'no growth', reading: window(0, 0) },
    { name: 'a counter that fell', reading: window(-1, 10) },
    { name: 'NaN', reading: window(Number.NaN, 10) },
    { name: 'Infinity', reading: window(Number.POSITIVE_INFINITY, 10) },
    { name: 'what an exporter writes for no value', reading: window(2 ** 63, 10) },
    { name: 'missing', reading: aReading({ stepSecondsSum: undefined, stepSecondsCount: undefined }) },
  ];
  for (const { name, reading } of ignored) {
    it(`ignores ${name}`, () => expect(foldAll([point(16, 0.1)], [reading]).points).to.eql([point(16, 0.1)]));
  }

  it('keeps at most twelve layouts', () => {
    const many = Array.from({ length: 12 }, (_, index) => point(index + 100, 1));
    expect(foldAll(many, [window(10, 100)]).points).to.have.length(12);
  });
});
