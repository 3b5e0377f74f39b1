import { expect } from 'chai';
import fc from 'fast-check';
import { type HourlyJob, planFleetSlots } from '../../../../src/core/plan/fleet-slots.ts';
import type { Level, Slot } from '../../../../src/core/plan/slots.ts';

const HOUR = 3600;

function hours(prices: readonly number[]): readonly Slot[] {
  return prices.map((moneyPerKwh, index) => ({
    from: index * HOUR,
    to: (index + 1) * HOUR,
    moneyPerKwh,
    kgCo2ePerKwh: 0,
    rentFactor: 1,
    relativeError: undefined,
  }));
}

const levels = (...sizes: readonly number[]): readonly Level[] =>
  [0, ...sizes].map((holds) => ({ workPerSecond: holds / HOUR, rentPerSecond: 0, kilowatts: holds, holds }));

function aJob(key: string, workLeft: number, pools: readonly number[], parts: Partial<HourlyJob> = {}): HourlyJob {
  return {
    key,
    workLeft,
    deadline: 4 * HOUR,
    minRunSeconds: 0,
    maxPauses: Number.POSITIVE_INFINITY,
    timeValuePerSecond: 0,
    carbonPrice: 0,
    offers: pools.map((pool) => ({ pool, levels: levels(1), currentLevel: 0, restartSeconds: 0 })),
    ...parts,
  };
}

/** What the chosen plans hold of each pool in each hour. */
function held(jobs: readonly HourlyJob[], plan: ReturnType<typeof planFleetSlots>, pools: number, count: number) {
  const units = Array.from({ length: pools }, () => new Array<number>(count).fill(0));
  plan.choices.forEach((choice, index) => {
    const offer = jobs[index]?.offers[choice?.offer ?? -1];
    for (let hour = 0; hour < count; hour++) {
      const levelsOn = choice?.plan.runs.filter(({ from, to }) => from < (hour + 1) * HOUR && to > hour * HOUR) ?? [];
      units[offer?.pool ?? 0]![hour]! += Math.max(0, ...levelsOn.map(({ level }) => offer?.levels[level]?.holds ?? 0));
    }
  });
  return units;
}

describe('planFleetSlots', () => {
  it('lets everybody plan alone where there is room', () => {
    const plan = planFleetSlots(
      [aJob('a', 1, [0]), aJob('b', 1, [0])],
      [{ slots: hours([3, 1, 2, 3]), capacity: [2, 2, 2, 2] }],
      0,
    );
    expect(plan).to.include({ cost: 2, lowerBound: 2, gap: 0 });
  });

  it('parts two that want the same hour', () => {
    const jobs = [aJob('a', 1, [0]), aJob('b', 1, [0])];
    const plan = planFleetSlots(jobs, [{ slots: hours([3, 1, 2, 3]), capacity: [1, 1, 1, 1] }], 0);
    expect(plan.cost).to.be.closeTo(3, 1e-6);
    expect(plan.prices[0]?.[1]).to.be.greaterThan(0);
  });

  it('moves one to another pool where the hours are dearer but free', () => {
    const jobs = [aJob('a', 4, [0, 1]), aJob('b', 4, [0, 1])];
    const pools = [1, 1.5].map((price) => ({ slots: hours([price, price, price, price]), capacity: [1, 1, 1, 1] }));
    const plan = planFleetSlots(jobs, pools, 0);
    expect(plan.choices.map((choice) => choice?.offer).sort()).to.deep.equal([0, 1]);
    expect(plan.cost).to.be.closeTo(10, 1e-6);
  });

  it('leaves out what has no room in time, and says so', () => {
    const jobs = [aJob('a', 4, [0]), aJob('b', 4, [0])];
    const plan = planFleetSlots(jobs, [{ slots: hours([1, 1, 1, 1]), capacity: [1, 1, 1, 1] }], 0);
    expect(plan.choices.filter((choice) => choice === undefined)).to.have.lengthOf(1);
  });

  it('refuses an unknown capacity', () => {
    const ask = () => planFleetSlots([], [{ slots: hours([1, 1]), capacity: [1] }], 0);
    expect(ask).to.throw(RangeError, /capacity of slot 1 is unknown/);
  });

  const job = fc.record({ work: fc.integer({ min: 1, max: 6 }), pools: fc.subarray([0, 1], { minLength: 1 }) });
  const prices = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 8, maxLength: 8 });
  const fleet = fc.record({
    rows: fc.array(job, { minLength: 1, maxLength: 8 }),
    pools: fc.tuple(prices, prices),
    capacity: fc.integer({ min: 1, max: 5 }),
  });

  it('keeps every capacity and its own bound, in any order of the jobs', () => {
    fc.assert(
      fc.property(fleet, ({ rows, pools, capacity }) => {
        const jobs = rows.map(({ work, pools: on }, index) => aJob(`job-${index}`, work, on, { deadline: 8 * HOUR }));
        const hourly = pools.map((some) => ({ slots: hours(some), capacity: some.map(() => capacity) }));
        const plan = planFleetSlots(jobs, hourly, 0);
        for (const units of held(jobs, plan, 2, 8).flat()) expect(units).to.be.at.most(capacity);
        if (!plan.choices.includes(undefined)) expect(plan.lowerBound).to.be.at.most(plan.cost + 1e-6);
        const reversed = planFleetSlots([...jobs].reverse(), hourly, 0);
        expect([...reversed.choices].reverse()).to.deep.equal(plan.choices);
      }),
    );
  });
});
