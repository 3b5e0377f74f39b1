import { expect } from 'chai';
import fc from 'fast-check';
import { DRAWS, mean } from '../../../../src/core/estimate/draws.ts';
import { interval } from '../../../../src/core/estimate/estimate.ts';
import { cholesky } from '../../../../src/core/estimate/linear-algebra.ts';
import { stepTimeSampler } from '../../../../src/core/estimate/step-time-draws.ts';
import { fitStepTime, parametersFromLogs } from '../../../../src/core/estimate/step-time-fit.ts';
import type { StepTimePoint } from '../../../../src/core/estimate/step-time-point.ts';
import { PARAMETERS } from '../../../../src/core/estimate/step-time-prior.ts';
import { type StepLayout, type StepTimeParameters, stepSeconds } from '../../../../src/core/model/step-time.ts';
import { aStepTimePoint } from '../../../support/a-job.ts';
import { aStepTime } from '../../../support/a-step-time.ts';

/** As far as the longest draw reaches in any direction, and one standard deviation that is left uncorrected. */
const FAR_SDS = Math.max(...DRAWS.map((draw) => Math.hypot(...draw.slice(0, PARAMETERS)))) + 1;

function fitOf(points: readonly StepTimePoint[]) {
  return fitStepTime(points) ?? expect.fail('a step time was measured');
}

function ranksOf(points: readonly StepTimePoint[]): number {
  return Math.max(...points.map(({ dataParallelSize }) => dataParallelSize));
}

function drawn(points: readonly StepTimePoint[]): readonly StepTimeParameters[] {
  return DRAWS.map(stepTimeSampler(fitOf(points), ranksOf(points)));
}

/** Seconds of a step in each draw, over those that were measured, in logarithms. */
function errorsAt(point: StepTimePoint, draws: readonly StepTimeParameters[]): readonly number[] {
  return draws.map((parameters) => Math.log(stepSeconds(parameters, point) / point.meanSeconds));
}

function expectKept(points: readonly StepTimePoint[], draws = drawn(points)): void {
  for (const point of points) {
    const sd = 1 / Math.sqrt(point.precision);
    const errors = errorsAt(point, draws);
    expect(Math.max(...errors.map(Math.abs))).to.be.at.most(FAR_SDS * sd);
    expect(Math.abs(mean(errors))).to.be.at.most(sd);
    expect(Math.sqrt(mean(errors.map((error) => error ** 2)))).to.be.at.most(1.5 * sd);
  }
}

function spreadAt(layout: StepLayout, draws: readonly StepTimeParameters[]): number {
  const { low, high } = interval(draws.map((parameters) => stepSeconds(parameters, layout)));
  return high / low;
}

/** Measured over so many windows, each known within 3 %, without error. */
function timed(truth: StepTimeParameters, layout: StepLayout, parts: Partial<StepTimePoint> = {}): StepTimePoint {
  const { windows = 20 } = parts;
  const meanSeconds = stepSeconds(truth, layout);
  return aStepTimePoint({ ...layout, meanSeconds, windows, precision: windows / 0.03 ** 2, ...parts });
}

function layout(dataParallelSize: number, microBatchSize: number, nodes = 1): StepLayout {
  return { dataParallelSize, microBatchSize, nodes, gradientAccumulationSteps: 1 };
}

const TRUTH = aStepTime({
  overheadSeconds: 0.2,
  secondsPerSample: 0.005,
  exchangeSecondsWithinNode: 0.15,
  exchangeSecondsPerRankWithinNode: 0.02,
  exchangeSecondsBetweenNodes: 0.3,
  exchangeSecondsPerRankBetweenNodes: 0.03,
  overlapExponent: 1.6,
});

describe('draws of the step time', () => {
  it('keep the one step time that was measured, whatever the layout and the truth', () => {
    const log = (min: number, max: number) =>
      fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);
    const point = fc.record({
      nodes: fc.constantFrom(1, 2, 4),
      dataParallelSize: fc.integer({ min: 1, max: 32 }),
      microBatchSize: fc.integer({ min: 1, max: 1024 }),
      gradientAccumulationSteps: fc.integer({ min: 1, max: 8 }),
      meanSeconds: log(1e-3, 1e3),
      windows: fc.integer({ min: 1, max: 40 }),
      share: fc.option(fc.double({ min: 0.3, max: 0.98, noNaN: true }), { nil: undefined }),
    });
    fc.assert(
      fc.property(point, ({ share, windows, ...parts }) => {
        const computeSeconds = share === undefined ? undefined : share * parts.meanSeconds;
        expectKept([aStepTimePoint({ ...parts, windows, precision: windows / 0.03 ** 2, computeSeconds })]);
      }),
      { numRuns: 300 },
    );
  });

  it('still differ where nothing was measured', () => {
    const draws = drawn([timed(TRUTH, layout(1, 64))]);
    expect(spreadAt(layout(1, 64), draws)).to.be.lessThan(1.05);
    expect(spreadAt(layout(1, 8), draws)).to.be.greaterThan(4);
    expect(spreadAt(layout(2, 64), draws)).to.be.greaterThan(1.15);
  });

  it('keep several measured step times at once', () => {
    const points = [timed(TRUTH, layout(1, 64)), timed(TRUTH, layout(2, 32)), timed(TRUTH, layout(4, 16))];
    for (const count of [2, 3]) {
      const draws = drawn(points.slice(0, count));
      expectKept(points.slice(0, count), draws);
      expect(spreadAt(layout(1, 8), draws)).to.be.greaterThan(1.4);
      expect(spreadAt(layout(8, 8, 2), draws)).to.be.greaterThan(1.5);
    }
  });

  it('keep what was measured before the machine slowed, up to the factor', () => {
    const [one, two] = [layout(1, 64), layout(2, 64)];
    const before = [timed(TRUTH, one), timed(TRUTH, two)].map((point) => ({ ...point, isBeforeChange: true }));
    const after = timed(TRUTH, two, { meanSeconds: 1.3 * stepSeconds(TRUTH, two) });
    const draws = drawn([...before, after]);
    expectKept([after], draws);
    const ratios = draws.map((parameters) => stepSeconds(parameters, two) / stepSeconds(parameters, one));
    const truth = stepSeconds(TRUTH, two) / stepSeconds(TRUTH, one);
    for (const ratio of ratios) expect(Math.abs(Math.log(ratio / truth))).to.be.lessThan(0.05);
  });

  it('are those of the covariance once the measurements identify the parameters', () => {
    const fit = fitOf([8, 32, 128, 512].map((microBatchSize) => timed(TRUTH, layout(1, microBatchSize))));
    const size = fit.logMeans.length;
    const lower = cholesky(fit.logCovariance, size);
    const sample = stepTimeSampler(fit, ranksOf(fit.points));
    for (const draw of DRAWS) {
      const logs = fit.logMeans.map((log, i) =>
        // The pace, the last one, has no coordinate.
        Array.from({ length: size - 1 }, (_, k) => (lower[i * size + k] ?? 0) * (draw[k] ?? 0)).reduce(
          (sum, term) => sum + term,
          log,
        ),
      );
      const { overheadSeconds, secondsPerSample, overlapExponent } = sample(draw);
      const linear = parametersFromLogs(logs);
      expect(overheadSeconds / linear.overheadSeconds).to.be.closeTo(1, 1e-9);
      expect(secondsPerSample / linear.secondsPerSample).to.be.closeTo(1, 1e-9);
      expect(overlapExponent / linear.overlapExponent).to.be.closeTo(1, 1e-9);
    }
  });

  it('have the fit itself in their middle', () => {
    const fit = fitOf([timed(TRUTH, layout(1, 64)), timed(TRUTH, layout(4, 16))]);
    const middle = stepTimeSampler(fit, ranksOf(fit.points))(DRAWS[0]?.map(() => 0) ?? []);
    expect(middle).to.include(parametersFromLogs(fit.logMeans));
  });
});
