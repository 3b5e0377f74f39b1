import { expect } from 'chai';
import fc from 'fast-check';
import {
  type ComputeBoundTraining,
  cheapestGlobalBatch,
  cheapestRanks,
  latencyFloorSeconds,
  leastCost,
  leastRanks,
  leastSeconds,
} from '../../../../src/core/model/closed-forms.ts';
import { exchangeSeconds, type StepTimeParameters, stepSeconds } from '../../../../src/core/model/step-time.ts';
import { aStepTime } from '../../../support/a-step-time.ts';

const log = (min: number, max: number) =>
  fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);
const stepTimes = fc
  .record({
    overheadSeconds: log(1e-3, 1),
    secondsPerSample: log(1e-5, 1e-2),
    exchangeSecondsWithinNode: log(1e-4, 1),
    exchangeSecondsPerRankWithinNode: log(1e-5, 1e-2),
    exchangeSecondsBetweenNodes: log(1e-3, 1),
    exchangeSecondsPerRankBetweenNodes: log(1e-5, 1e-2),
  })
  .map((parts) => aStepTime({ ...parts, overlapExponent: 1 }));
const noises = log(10, 1e5);
const rankCounts = fc.integer({ min: 1, max: 32 });
const MINIMUM_STEPS = 1000;

const layoutOf = (ranks: number, batch: number) => ({
  nodes: Math.ceil(ranks / 4),
  dataParallelSize: ranks,
  microBatchSize: batch / ranks,
  gradientAccumulationSteps: 1,
});

/** The training as the closed forms see it on so many ranks. */
function compute(parameters: StepTimeParameters, ranks: number, gradientNoiseScale: number): ComputeBoundTraining {
  return {
    overheadSeconds: parameters.overheadSeconds + exchangeSeconds(parameters, layoutOf(ranks, 1)),
    secondsPerSample: parameters.secondsPerSample,
    gradientNoiseScale,
    minimumSteps: MINIMUM_STEPS,
  };
}

/** Seconds to target by the full model. */
function secondsAt(parameters: StepTimeParameters, ranks: number, noise: number, batch: number): number {
  return MINIMUM_STEPS * (1 + noise / batch) * stepSeconds(parameters, layoutOf(ranks, batch));
}

/** Place of the minimum of a function with one, on a logarithmic scale, by golden section. */
function minimise(cost: (value: number) => number, from: number, to: number): number {
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [Math.log(from), Math.log(to)];
  for (let iteration = 0; iteration < 80; iteration++) {
    const [left, right] = [high - ratio * (high - low), low + ratio * (high - low)];
    if (cost(Math.exp(left)) < cost(Math.exp(right))) high = right;
    else low = left;
  }
  return Math.exp((low + high) / 2);
}

describe('closed forms against the full model', () => {
  it('find the batch and the time that a search finds', () => {
    fc.assert(
      fc.property(stepTimes, rankCounts, noises, (parameters, ranks, noise) => {
        const training = compute(parameters, ranks, noise);
        const cost = (batch: number) => secondsAt(parameters, ranks, noise, batch);
        const found = minimise(cost, 1e-3, 1e12);
        expect(cheapestGlobalBatch(training, ranks) / found).to.be.closeTo(1, 1e-4);
        expect(leastSeconds(training, ranks) / cost(found)).to.be.closeTo(1, 1e-9);
        expect(leastCost(training, ranks, 2) / (2 * ranks * cost(found))).to.be.closeTo(1, 1e-9);
      }),
      { numRuns: 100 },
    );
  });

  it('cost more with every rank', () => {
    fc.assert(
      fc.property(stepTimes, rankCounts, noises, (parameters, ranks, noise) => {
        const training = compute(parameters, 1, noise);
        expect(leastCost(training, ranks + 1, 1)).to.be.greaterThan(leastCost(training, ranks, 1));
      }),
    );
  });

  it('name the ranks that just meet a deadline, and none below the latency floor', () => {
    fc.assert(
      fc.property(stepTimes, noises, log(1.01, 100), (parameters, noise, slack) => {
        const training = compute(parameters, 1, noise);
        const deadline = slack * latencyFloorSeconds(training);
        const ranks = leastRanks(training, deadline) ?? expect.fail('above the floor it can be met');
        expect(leastSeconds(training, ranks) / deadline).to.be.closeTo(1, 1e-6);
        expect(leastRanks(training, latencyFloorSeconds(training))).to.equal(undefined);
      }),
    );
  });

  it('name the ranks that a search finds where time has a value', () => {
    fc.assert(
      fc.property(stepTimes, noises, log(0.01, 100), log(0.01, 100), (parameters, noise, price, fixed) => {
        const training = compute(parameters, 1, noise);
        const cost = (ranks: number) => (ranks * price + fixed) * leastSeconds(training, ranks);
        expect(cheapestRanks(training, price, fixed) / minimise(cost, 1e-9, 1e12)).to.be.closeTo(1, 1e-4);
      }),
    );
  });
});
