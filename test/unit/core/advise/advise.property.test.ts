import { expect } from 'chai';
import fc from 'fast-check';
import { advise } from '../../../../src/core/advise/advise.ts';
import type { AdvisedPool, Capacity } from '../../../../src/core/advise/capacity-cost.ts';
import type { Advice } from '../../../../src/core/advise/verdict.ts';
import type { RunRecord } from '../../../../src/core/profile/run-record.ts';

const DAY = 86_400;
const NOW = 100 * DAY;

function aPool(parts: Partial<AdvisedPool> = {}): AdvisedPool {
  return {
    name: 'rented',
    gpuType: 'nvidia-t4',
    gpusPerNode: 1,
    maxNodes: 8,
    pricePerNodeHour: 0.5,
    currency: 'USD',
    capacity: { type: 'OnDemand' },
    electricity: 'Included',
    ...parts,
  };
}

type Owned = Extract<Capacity, { type: 'Owned' }>;
const OWNED: Owned = {
  type: 'Owned',
  purchasePricePerNode: 2000,
  amortisationMonths: 36,
  maintenancePerNodeMonth: 10,
};
const anOwnedPool = (capacity: Partial<Owned> = {}) =>
  aPool({ name: 'owned', maxNodes: 1, capacity: { ...OWNED, ...capacity } });

function aRun(day: number, cost: number, parts: Partial<RunRecord> = {}): RunRecord {
  return {
    uid: `run-${day}`,
    job: 'bert',
    endedAt: day * DAY,
    outcome: 'Complete',
    gpuType: 'nvidia-t4',
    pool: 'rented',
    replicas: 1,
    globalBatchSize: 64,
    microBatchSize: 32,
    initialGlobalBatchSize: 64,
    referenceSamples: 1e6,
    seconds: DAY,
    cost,
    currency: 'USD',
    batchBand: { lowest: 64, highest: 64 },
    targetLoss: undefined,
    stepTime: undefined,
    noise: [],
    memory: [],
    restartSeconds: undefined,
    predicted: undefined,
    ...parts,
  };
}

const adviceOn = (pools: readonly AdvisedPool[], runs: readonly RunRecord[]) =>
  advise({ now: NOW, pools, families: [{ family: 'bert', runs }] }).advice;

/** The advice to move from the rented to the owned pool. */
function moved(costs: readonly number[], owned = anOwnedPool()): Advice {
  const [advice] = adviceOn(
    [aPool(), owned],
    costs.map((cost, at) => aRun(10 + at * 5, cost)),
  );
  if (advice === undefined) throw new Error('no advice was given');
  return advice;
}

const someCosts = fc.array(fc.double({ min: 1, max: 60, noNaN: true }), { minLength: 2, maxLength: 12 });

describe('advice', () => {
  it('scales with the currency: break-even and verdict stay, money is multiplied', () => {
    fc.assert(
      fc.property(someCosts, fc.double({ min: 0.01, max: 100, noNaN: true }), (costs, factor) => {
        const one = moved(costs);
        const times = (value: number) => value * factor;
        const pools = [
          aPool({ pricePerNodeHour: times(0.5) }),
          {
            ...anOwnedPool(),
            pricePerNodeHour: times(0.5),
            capacity: { ...OWNED, purchasePricePerNode: times(2000), maintenancePerNodeMonth: times(10) },
          },
        ];
        const [other] = adviceOn(
          pools,
          costs.map((cost, at) => aRun(10 + at * 5, times(cost))),
        );
        expect(other?.verdict).to.equal(one.verdict);
        expect(other?.savingPerMonth.value).to.be.closeTo(times(one.savingPerMonth.value), 1e-6 * factor);
        const [before, after] = [one.breakEven?.months.value ?? Number.NaN, other?.breakEven?.months.value];
        if (Number.isFinite(before)) expect(after).to.be.closeTo(before, 1e-6 * before);
        else expect(after).to.equal(before);
      }),
    );
  });

  it('has a break-even that never rises with the demand', () => {
    fc.assert(
      fc.property(someCosts, fc.double({ min: 1, max: 20, noNaN: true }), (costs, factor) => {
        const [less, more] = [moved(costs), moved(costs.map((cost) => cost * factor))];
        for (const end of ['value', 'low', 'high'] as const) {
          const [before, after] = [less.breakEven?.months[end] ?? 0, more.breakEven?.months[end] ?? 0];
          expect(after).to.be.at.most(before * (1 + 1e-9));
        }
      }),
    );
  });

  it('is not given without data, or about a single run, and says why', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 60 }), { maxLength: 1 }), (costs) => {
        const runs = costs.map((cost) => aRun(10, cost));
        const given = advise({ now: NOW, pools: [aPool(), anOwnedPool()], families: [{ family: 'bert', runs }] });
        expect(given.advice).to.deep.equal([]);
        expect(given.withheld.length).to.be.greaterThan(0);
      }),
    );
  });

  it('has intervals in order, and never a figure that is no number', () => {
    fc.assert(
      fc.property(someCosts, (costs) => {
        const { savingPerMonth, breakEven } = moved(costs);
        for (const each of [savingPerMonth, breakEven?.months, breakEven?.gpuHours]) {
          if (each === undefined) throw new Error('a purchase has a break-even');
          expect(each.low <= each.value && each.value <= each.high).to.equal(true);
        }
      }),
    );
  });
});

describe('advice on hardware', () => {
  // Fifteen runs of 100 GPU-hours, the first of which opens the window of 90 days.
  const busy = Array.from({ length: 15 }, () => 50);

  it('works out what a purchase comes to', () => {
    const { savingPerMonth, upfront, breakEven } = moved(busy);
    const hours = 1400 / ((91 * 24) / 730);
    expect(upfront).to.equal(2000);
    expect(savingPerMonth.value).to.be.closeTo(hours * 0.5 - 10, 0.05 * hours);
    expect(breakEven?.months.value).to.be.closeTo(2000 / (hours * 0.5 - 10), 1);
  });

  const cases: Record<string, { capacity: Partial<Owned>; verdict: string }> = {
    'a low price': { capacity: { purchasePricePerNode: 200 }, verdict: 'Cheaper' },
    'a price near what is saved': { capacity: { purchasePricePerNode: 8000 }, verdict: 'Neutral' },
    'a high price': { capacity: { purchasePricePerNode: 50_000 }, verdict: 'Dearer' },
  };
  for (const [name, { capacity, verdict }] of Object.entries(cases)) {
    it(`calls ${name} ${verdict}`, () => {
      expect(moved(busy, anOwnedPool(capacity)).verdict).to.equal(verdict);
    });
  }

  it('never pays back what costs more to keep than it saves', () => {
    const advice = moved(busy, anOwnedPool({ maintenancePerNodeMonth: 1000 }));
    expect(advice.breakEven?.months.low).to.equal(Number.POSITIVE_INFINITY);
    expect(advice.sentence).to.contain('would never come back');
    expect(advice.verdict).to.equal('Dearer');
  });

  it('saves only electricity on nodes that are paid for already', () => {
    const runs = busy.map((cost, at) => aRun(10 + at * 5, cost, { pool: 'owned' }));
    const [advice] = adviceOn([anOwnedPool(), aPool()], runs);
    expect(advice).to.include({ from: 'owned', to: 'rented', verdict: 'Dearer' });
  });

  it('counts a run of an unknown pool only where there is one of its type', () => {
    const runs = busy.map((cost, at) => aRun(10 + at * 5, cost, { pool: undefined }));
    expect(adviceOn([aPool(), anOwnedPool()], runs)).to.deep.equal([]);
    const other = { ...anOwnedPool(), gpuType: 'nvidia-l4' };
    expect(adviceOn([aPool(), other], runs)).to.have.length(1);
  });

  it('says what is missing: the risk of spot nodes, the speed of unknown GPUs, the price of electricity', () => {
    const runs = busy.map((cost, at) => aRun(10 + at * 5, cost));
    const others: AdvisedPool[] = [
      aPool({ name: 'a', capacity: { type: 'Spot', interruptionsPerNodeHour: undefined } }),
      aPool({ name: 'b', gpuType: 'unheard-of' }),
      aPool({ name: 'c', electricity: undefined }),
    ];
    const { withheld } = advise({ now: NOW, pools: [aPool(), ...others], families: [{ family: 'bert', runs }] });
    const reasons = withheld.filter(({ subject }) => subject === 'Hardware').map(({ reason }) => reason);
    expect(reasons[0]).to.contain('interruptionsPerNodeHour is not set');
    expect(reasons[1]).to.contain('no family ran on both');
    expect(reasons[2]).to.contain('electricity is metered');
  });
});

describe('advice on a larger batch', () => {
  const runsAt = (small: number, large: number) => [
    ...[10, 15, 20].map((day) => aRun(day, small)),
    ...[25, 30, 35].map((day) => aRun(day, large, { globalBatchSize: 128 })),
  ];
  const cases: Record<string, { large: number; verdict: string }> = {
    'that does the same work for less': { large: 30, verdict: 'Cheaper' },
    'that makes no difference': { large: 50, verdict: 'Neutral' },
    'that does the same work for more': { large: 80, verdict: 'Dearer' },
  };
  for (const [name, { large, verdict }] of Object.entries(cases)) {
    it(`${name} is ${verdict}`, () => {
      const [advice] = adviceOn([aPool()], runsAt(50, large));
      expect(advice).to.include({ subject: 'Batch', verdict, upfront: 0, to: 'batch 128' });
    });
  }
});
