import { expect } from 'chai';
import fc from 'fast-check';
import { type Coupling, type CouplingJob, type CouplingOption, couple } from '../../../../src/core/plan/couple.ts';

const wait = (cost: number): CouplingOption => ({ cost, uses: [] });
const on = (resource: number, amount: number, cost: number): CouplingOption => ({ cost, uses: [{ resource, amount }] });

function aJob(key: string, ...options: readonly CouplingOption[]): CouplingJob {
  return { key, options };
}

function held(jobs: readonly CouplingJob[], { choice }: Coupling, resources: number): readonly number[] {
  const sums = new Array<number>(resources).fill(0);
  jobs.forEach(({ options }, index) => {
    for (const { resource, amount } of options[choice[index] ?? -1]?.uses ?? []) sums[resource]! += amount;
  });
  return sums;
}

/** The least cost over all combinations; undefined when none fits. */
function leastCost(jobs: readonly CouplingJob[], limits: readonly number[], from = 0): number | undefined {
  const job = jobs[from];
  if (job === undefined) return 0;
  let least: number | undefined;
  for (const { cost, uses } of job.options) {
    const left = [...limits];
    for (const { resource, amount } of uses) left[resource]! -= amount;
    if (left.some((value) => value < -1e-9)) continue;
    const rest = leastCost(jobs, left, from + 1);
    if (rest !== undefined && (least === undefined || cost + rest < least)) least = cost + rest;
  }
  return least;
}

const aUse = fc.record({ resource: fc.integer({ min: 0, max: 1 }), amount: fc.integer({ min: 1, max: 8 }) });

/** A pool and, now and then, a budget beside it. */
const anOption = fc.record({
  cost: fc.integer({ min: 1, max: 100 }),
  uses: fc.tuple(aUse, fc.option(fc.integer({ min: 1, max: 5 }), { nil: undefined })).map(([pool, money]) => {
    return money === undefined ? [pool] : [pool, { resource: 2, amount: money / 2 }];
  }),
});

function someJobs(max: number): fc.Arbitrary<readonly CouplingJob[]> {
  const options = fc.tuple(fc.array(anOption, { maxLength: 4 }), fc.integer({ min: 50, max: 200 }));
  return fc
    .array(options, { minLength: 1, maxLength: max })
    .map((rows) => rows.map(([some, waiting], index) => aJob(`job-${index}`, ...some, wait(waiting))));
}

const someLimits = fc.tuple(
  fc.integer({ min: 0, max: 20 }),
  fc.integer({ min: 0, max: 20 }),
  fc.oneof(fc.integer({ min: 0, max: 10 }), fc.constant(Number.POSITIVE_INFINITY)),
);

describe('couple', () => {
  const cases: Record<string, { jobs: readonly CouplingJob[]; limits: readonly number[]; want: Partial<Coupling> }> = {
    'gives everybody the cheapest where that fits': {
      jobs: [aJob('a', on(0, 4, 10), on(0, 1, 20)), aJob('b', on(1, 2, 5), wait(9))],
      limits: [4, 2],
      want: { choice: [0, 0], cost: 15, lowerBound: 15, gap: 0, prices: [0, 0] },
    },
    'lets the one yield to whom it costs less': {
      jobs: [aJob('a', on(0, 4, 10), wait(100)), aJob('b', on(0, 4, 10), wait(30))],
      limits: [4],
      want: { choice: [0, 1], cost: 40 },
    },
    'moves a job to another pool before it makes one wait': {
      jobs: [aJob('a', on(0, 2, 10), on(1, 2, 12), wait(50)), aJob('b', on(0, 2, 10), wait(50))],
      limits: [2, 2],
      want: { choice: [1, 0], cost: 22 },
    },
    'keeps a budget beside the pools': {
      jobs: [
        aJob(
          'a',
          {
            cost: 10,
            uses: [
              { resource: 0, amount: 1 },
              { resource: 1, amount: 3 },
            ],
          },
          wait(20),
        ),
        aJob(
          'b',
          {
            cost: 10,
            uses: [
              { resource: 0, amount: 1 },
              { resource: 1, amount: 3 },
            ],
          },
          wait(15),
        ),
      ],
      limits: [8, 4],
      want: { choice: [0, 1], cost: 25 },
    },
    'names a job that nothing is left for': {
      jobs: [aJob('a', on(0, 3, 10)), aJob('b', on(0, 1, 10)), aJob('c', on(0, 2, 10))],
      limits: [3],
      want: { choice: [undefined, 0, 0], unplaced: ['a'], cost: 20 },
    },
    'takes a pool that lost more than it had as empty': {
      jobs: [aJob('a', on(0, 1, 1), wait(5))],
      limits: [-2],
      want: { choice: [1], cost: 5 },
    },
    'finds the pair that fits instead of the greedy one': {
      jobs: [aJob('a', on(0, 3, 0), wait(31)), aJob('b', on(0, 2, 0), wait(20)), aJob('c', on(0, 2, 0), wait(20))],
      limits: [4],
      want: { choice: [1, 0, 0], cost: 31 },
    },
    'does without jobs': { jobs: [], limits: [4], want: { choice: [], cost: 0, lowerBound: 0, gap: 0 } },
    'names a job without options': {
      jobs: [aJob('a')],
      limits: [4],
      want: { choice: [undefined], unplaced: ['a'], gap: 0 },
    },
  };
  for (const [title, { jobs, limits, want }] of Object.entries(cases)) {
    it(title, () => {
      expect(couple(jobs, limits)).to.deep.include(want);
    });
  }

  const refused: Record<string, { jobs: readonly CouplingJob[]; limits: readonly number[]; want: RegExp }> = {
    'an unknown cost': { jobs: [aJob('a', wait(Number.NaN))], limits: [], want: /option of a costs NaN/ },
    'an unknown amount': { jobs: [aJob('a', on(0, Number.NaN, 1))], limits: [4], want: /option of a uses NaN/ },
    'a negative amount': { jobs: [aJob('a', on(0, -1, 1))], limits: [4], want: /option of a uses -1/ },
    'a resource that is not there': { jobs: [aJob('a', on(1, 1, 1))], limits: [4], want: /of resource 1/ },
    'an unknown limit': { jobs: [], limits: [Number.NaN], want: /limit of resource 0/ },
  };
  for (const [title, { jobs, limits, want }] of Object.entries(refused)) {
    it(`refuses ${title}`, () => {
      expect(() => couple(jobs, limits)).to.throw(RangeError, want);
    });
  }

  it('fits, and proves a bound that the optimum keeps', () => {
    fc.assert(
      fc.property(someJobs(6), someLimits, (jobs, limits) => {
        const chosen = couple(jobs, limits);
        held(jobs, chosen, 3).forEach((sum, resource) => {
          expect(sum, `resource ${resource}`).to.be.at.most((limits[resource] ?? 0) + 1e-6);
        });
        const optimum = leastCost(jobs, limits) ?? expect.fail('everybody may wait');
        expect(chosen.unplaced).to.deep.equal([]);
        expect(chosen.lowerBound).to.be.at.most(optimum + 1e-6);
        expect(chosen.cost).to.be.closeTo(optimum, 2e-4 * optimum);
      }),
    );
  });

  it('chooses the same for any order of the jobs', () => {
    fc.assert(
      fc.property(someJobs(30), someLimits, fc.infiniteStream(fc.nat()), (jobs, limits, ranks) => {
        const rankOf = new Map(jobs.map(({ key }) => [key, ranks.next().value ?? 0]));
        const shuffled = [...jobs].sort((one, other) => (rankOf.get(one.key) ?? 0) - (rankOf.get(other.key) ?? 0));
        const byKey = (given: readonly CouplingJob[], { choice }: Coupling) =>
          new Map(given.map(({ key }, index) => [key, choice[index]]));
        const [one, other] = [couple(jobs, limits), couple(shuffled, limits)];
        for (const [key, option] of byKey(jobs, one)) expect(byKey(shuffled, other).get(key), key).to.equal(option);
        expect(other.lowerBound).to.equal(one.lowerBound);
      }),
    );
  });

  it('counts in any currency', () => {
    fc.assert(
      fc.property(someJobs(20), someLimits, (jobs, limits) => {
        const inOther = jobs.map(({ key, options }) => ({
          key,
          options: options.map(({ cost, uses }) => ({ cost: 16 * cost, uses })),
        }));
        const [one, other] = [couple(jobs, limits), couple(inOther, limits)];
        expect(other.choice).to.deep.equal(one.choice);
        expect(other.lowerBound).to.be.closeTo(16 * one.lowerBound, 1e-6 * Math.abs(one.lowerBound));
      }),
    );
  });

  it('never costs more with more capacity, within what is proven', () => {
    fc.assert(
      fc.property(someJobs(20), someLimits, fc.nat(2), fc.integer({ min: 1, max: 10 }), (jobs, limits, which, more) => {
        const wider = limits.map((limit, index) => (index === which ? limit + more : limit));
        const [narrow, wide] = [couple(jobs, limits), couple(jobs, wider)];
        expect(wide.lowerBound).to.be.at.most(narrow.cost + 1e-6);
        expect(wide.cost).to.be.at.most(narrow.cost / (1 - wide.gap) + 1e-6);
      }),
    );
  });

  it('places everybody whose least fits, without anybody who may wait', () => {
    const sizes = fc.array(fc.record({ amount: fc.integer({ min: 1, max: 8 }), cost: fc.nat(100) }), { minLength: 1 });
    const rows = fc.array(fc.record({ pool: fc.nat(1), sizes }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(rows, (some) => {
        const jobs = some.map((row, index) =>
          aJob(`job-${index}`, ...row.sizes.map(({ amount, cost }) => on(row.pool, amount, cost))),
        );
        const limits = [0, 0];
        for (const row of some) limits[row.pool]! += Math.min(...row.sizes.map(({ amount }) => amount));
        expect(couple(jobs, limits).unplaced).to.deep.equal([]);
      }),
    );
  });

  it('proves a small gap at a thousand jobs and more', () => {
    const speeds = [1, 1.9, 3.5, 6];
    const jobs = Array.from({ length: 1500 }, (_, index) => {
      const work = 10 + ((index * 7919) % 97);
      const options = [0, 1].flatMap((pool) =>
        speeds.map((speed, size) => on(pool, 2 ** size, (work / speed) * 2 ** size * (1 + pool / 3) + work / speed)),
      );
      return aJob(`job-${index}`, ...options, wait(3 * work));
    });
    const chosen = couple(jobs, [600, 700]);
    expect(chosen.gap).to.be.within(0, 1e-3);
    expect(held(jobs, chosen, 2)[0]).to.be.at.most(600);
    expect(chosen.prices[0]).to.be.greaterThan(0);
  });
});
