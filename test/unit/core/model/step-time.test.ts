import { expect } from 'chai';
import fc from 'fast-check';
import { exchangeSeconds, overlapped, ringFactor, stepSeconds } from '../../../../src/core/model/step-time.ts';
import { aStepTime } from '../../../support/a-step-time.ts';

const layout = (ranks: number, nodes: number, micro = 10, passes = 1) => ({
  nodes,
  dataParallelSize: ranks,
  microBatchSize: micro,
  gradientAccumulationSteps: passes,
});

describe('stepSeconds', () => {
  const parameters = aStepTime({
    overheadSeconds: 0.1,
    secondsPerSample: 0.01,
    exchangeSecondsWithinNode: 0.2,
    exchangeSecondsPerRankWithinNode: 0.01,
    exchangeSecondsBetweenNodes: 0.5,
    exchangeSecondsPerRankBetweenNodes: 0.1,
  });
  const table = [
    { name: 'one rank exchanges nothing', at: layout(1, 1), want: 0.2 },
    { name: 'passes repeat compute', at: layout(1, 1, 10, 3), want: 0.6 },
    { name: 'two ranks exchange once whatever the passes', at: layout(2, 1, 10, 3), want: 0.6 + 0.2 },
    { name: 'every rank more on a node adds its share', at: layout(6, 1), want: 0.2 + 0.2 + 0.04 },
    { name: 'two nodes cross the network', at: layout(2, 2), want: 0.2 + 0.5 },
    { name: 'every rank more on several nodes adds its share', at: layout(12, 3), want: 0.2 + 0.5 + 1 },
  ];
  for (const { name, at, want } of table) {
    it(name, () => expect(stepSeconds(parameters, at)).to.be.closeTo(want, 1e-9));
  }

  it('overlaps the exchange with the last pass only', () => {
    const hidden = { ...parameters, overlapExponent: 2 };
    expect(stepSeconds(hidden, layout(2, 1, 10, 3))).to.be.closeTo(0.4 + Math.hypot(0.2, 0.2), 1e-9);
  });

  it('waits for the data loader', () => {
    const slow = { ...parameters, loaderSecondsPerSample: 0.05 };
    expect(stepSeconds(slow, layout(1, 1, 10, 3))).to.be.closeTo(1.5, 1e-9);
    expect(stepSeconds({ ...slow, loaderSecondsPerSample: 0.001 }, layout(1, 1))).to.be.closeTo(0.2, 1e-9);
  });

  it('is off by its factor only beyond the ranks it is trusted for', () => {
    const doubted = { ...parameters, trustedDataParallelSize: 4, factorBeyondTrust: 2 };
    expect(stepSeconds(doubted, layout(4, 1))).to.equal(stepSeconds(parameters, layout(4, 1)));
    expect(stepSeconds(doubted, layout(5, 1))).to.equal(2 * stepSeconds(parameters, layout(5, 1)));
  });

  it('is the sum without overlap, never less than the longer part, and falls with the overlap', () => {
    const seconds = fc.double({ min: 1e-6, max: 1e4, noNaN: true });
    const exponent = fc.double({ min: 1, max: 10, noNaN: true });
    fc.assert(
      fc.property(seconds, seconds, exponent, exponent, (one, other, little, much) => {
        const [less, more] = [Math.min(little, much), Math.max(little, much)];
        expect(overlapped(one, other, 1)).to.be.closeTo(one + other, 1e-9 * (one + other));
        expect(overlapped(one, other, more)).to.be.at.most(overlapped(one, other, less) * (1 + 1e-12));
        expect(overlapped(one, other, more)).to.be.at.least(Math.max(one, other));
      }),
    );
  });
});

describe('exchangeSeconds', () => {
  it('is nothing for one rank', () => expect(exchangeSeconds(aStepTime(), layout(1, 1))).to.equal(0));
  it('a ring of one moves nothing', () => expect(ringFactor(1)).to.equal(0));
});
