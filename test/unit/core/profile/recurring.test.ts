import { expect } from 'chai';
import fc from 'fast-check';
import {
  bestKnownCost,
  nextBatch,
  nextPowerLimit,
  type RecurringFamily,
} from '../../../../src/core/profile/recurring.ts';

const BATCHES = [16, 32, 64, 128, 256, 512, 1024, 2048];

function aFamily(parts: Partial<RecurringFamily> = {}): RecurringFamily {
  return { attempts: [], epochCosts: [], initialGlobalBatchSize: 256, batches: BATCHES, ...parts };
}

/** Runs the family so often, in a world without scatter. */
function recur(times: number, epochsOf: (batch: number) => number, costOf: (batch: number) => number) {
  let family = aFamily();
  const costs: number[] = [];
  for (let time = 0; time < times; time++) {
    const batch = nextBatch(family);
    const epochs = epochsOf(batch);
    costs.push(epochs * costOf(batch));
    family = {
      ...family,
      attempts: [...family.attempts, { globalBatchSize: batch, epochs }],
      epochCosts: [
        ...family.epochCosts.filter((each) => each.globalBatchSize !== batch),
        { globalBatchSize: batch, cost: costOf(batch) },
      ],
    };
  }
  return { costs, batches: family.attempts.map(({ globalBatchSize }) => globalBatchSize) };
}

describe('the next batch of a recurring training', () => {
  it('is first the one that its user chose', () => expect(nextBatch(aFamily())).to.equal(256));

  it('is a smaller one while none came to its target', () => {
    const attempts = [256, 128].map((globalBatchSize) => ({ globalBatchSize, epochs: undefined }));
    expect(nextBatch(aFamily({ attempts }))).to.equal(64);
  });

  it('comes near the cheapest, and costs little on the way, whatever the training is like', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 20, max: 5000, noNaN: true }),
        fc.double({ min: 2, max: 500, noNaN: true }),
        (noise, overhead) => {
          const epochs = (batch: number) => 10 * (1 + batch / noise);
          const cost = (batch: number) => 1 + overhead / batch;
          const oracle = Math.min(...BATCHES.map((batch) => epochs(batch) * cost(batch)));
          const { costs } = recur(20, epochs, cost);
          // One of the last five may be a try, and what differs by less than runs scatter is all one.
          const last = costs.slice(-5).reduce((sum, each) => sum + each, 0) / 5;
          expect(last / oracle).to.be.at.most(1.1);
          const first = (costs[0] ?? 0) / oracle;
          expect(costs.reduce((sum, each) => sum + each, 0) / 20 / oracle).to.be.at.most(1.1 + first / 10);
        },
      ),
    );
  });

  it('never moves by more than a factor of four from what came to its target', () => {
    const { batches } = recur(
      10,
      (batch) => 10 * (1 + batch / 1e5),
      (batch) => 1 + 1e4 / batch,
    );
    batches.slice(1).forEach((batch, index) => {
      const near = batches.slice(0, index + 1).some((good) => Math.max(batch / good, good / batch) <= 4);
      expect(near, `${batch} after ${batches.slice(0, index + 1).join(' ')}`).to.equal(true);
    });
  });

  it('is never at or beyond one that failed', () => {
    const attempts = [
      { globalBatchSize: 256, epochs: 10 },
      { globalBatchSize: 1024, epochs: undefined },
      { globalBatchSize: 64, epochs: undefined },
    ];
    const epochCosts = [{ globalBatchSize: 256, cost: 1 }];
    expect(nextBatch(aFamily({ attempts, epochCosts }))).to.be.within(128, 512);
  });
});

describe('what is known of a recurring training', () => {
  it('is the least mean cost of a batch that came to its target', () => {
    const attempts = [
      { globalBatchSize: 64, epochs: 10 },
      { globalBatchSize: 64, epochs: 14 },
      { globalBatchSize: 256, epochs: undefined },
    ];
    const epochCosts = [
      { globalBatchSize: 64, cost: 2 },
      { globalBatchSize: 256, cost: 1 },
    ];
    expect(bestKnownCost(aFamily({ attempts, epochCosts }))).to.equal(24);
    expect(bestKnownCost(aFamily())).to.equal(undefined);
  });
});

describe('the next power limit', () => {
  const LIMITS = [100, 125, 150, 175, 200, 225, 250];

  function search(costOf: (watts: number) => number): { readonly passes: number; readonly watts: number } {
    const measured: { watts: number; cost: number }[] = [];
    for (let pass = 0; ; pass++) {
      const watts = nextPowerLimit(measured, LIMITS, 250);
      if (measured.some((each) => each.watts === watts)) return { passes: pass, watts };
      measured.push({ watts, cost: costOf(watts) });
    }
  }

  it('finds the cheapest where cost falls and rises, in at most one pass for each limit', () => {
    for (const cheapest of LIMITS) {
      const { watts, passes } = search((each) => 1 + Math.abs(each - cheapest));
      expect(watts).to.equal(cheapest);
      expect(passes).to.be.at.most(LIMITS.length);
    }
  });

  it('is not held up by one pass that was dear by chance', () => {
    expect(search((watts) => (watts === 225 ? 200 : Math.abs(watts - 150))).watts).to.equal(150);
  });
});
