import { expect } from 'chai';
import fc from 'fast-check';
import { type Configuration, globalBatchSize } from '../../../src/core/configuration.ts';
import { cheapestGlobalBatch } from '../../../src/core/model/closed-forms.ts';
import { planFleet } from '../../../src/core/plan-fleet.ts';
import type { JobSnapshot } from '../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, aStepTimePoint, evidenceOf, NOW } from '../../support/a-job.ts';

const log = (min: number, max: number) =>
  fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);

interface Facts {
  readonly overheadSeconds: number;
  readonly secondsPerSample: number;
  readonly synchronizationSeconds: number;
  readonly gradientNoiseScale: number;
}
const facts: fc.Arbitrary<Facts> = fc.record({
  overheadSeconds: log(1e-3, 1),
  secondsPerSample: log(1e-5, 1e-2),
  synchronizationSeconds: log(1e-3, 1),
  gradientNoiseScale: log(100, 1e5),
});

/** A job on `replicas` workers that has been timed at many layouts, free to go to eight. */
function wellKnown(known: Facts, replicas: number, parts: Parameters<typeof aJob>[0] = {}): JobSnapshot {
  const timed = [1, 2, 4, 8].flatMap((count) =>
    [16, 128, 1024, 16_384].map((micro) => aConfiguration({ replicas: count, microBatchSize: micro })),
  );
  const limits = { canRescale: true, maxReplicas: 8, maxGlobalBatchSize: 1 << 20, maxMicroBatchSize: 1 << 20 };
  return aJob({
    ...parts,
    limits: { ...limits, minGlobalBatchSize: 1, maxBatchGrowthFactor: 1e6, ...parts.limits },
    history: { current: aConfiguration({ replicas, microBatchSize: 64 }), ...parts.history },
    evidence: evidenceOf({ ...known, timed }),
  });
}

const only = (job: JobSnapshot, price = 3.6) => {
  const pool = aPool({ pricePerNodeHour: price });
  return planFleet(aSnapshot([job], [pool])).decisions[0] ?? expect.fail('every job gets a decision');
};
const bestOf = (job: JobSnapshot, price?: number) => only(job, price).plan ?? expect.fail('a plan exists');

describe('planFleet', () => {
  it('finds the square-root batch on one worker, within its grid', () => {
    fc.assert(
      fc.property(facts, (known) => {
        const job = wellKnown(known, 1, { limits: { canRescale: false } });
        const { overheadSeconds: a, secondsPerSample: b, gradientNoiseScale: noise } = known;
        const cost = (batch: number) => (a + b * batch) * (1 + noise / batch);
        const allowed = Math.min(cheapestGlobalBatch(known, 1), noise);
        const found = globalBatchSize(bestOf(job).best.configuration);
        expect(cost(found) / cost(Math.max(1, allowed)), `${found} for ${allowed}`).to.be.at.most(1.06);
      }),
      { numRuns: 30 },
    );
  });

  it('runs on the smallest allocation when nothing asks for more', () => {
    fc.assert(
      fc.property(facts, fc.integer({ min: 1, max: 8 }), (known, replicas) => {
        expect(
          bestOf(
            wellKnown(known, replicas, {
              history: { current: aConfiguration({ replicas, microBatchSize: 64 }), restartSeconds: 0 },
            }),
          ).best.configuration.replicas,
        ).to.equal(1);
      }),
      { numRuns: 25 },
    );
  });

  it('costs more with every worker while there is no deadline', () => {
    const known = {
      overheadSeconds: 0.01,
      secondsPerSample: 0.001,
      synchronizationSeconds: 0.01,
      gradientNoiseScale: 500,
    };
    const costs = [1, 2, 4, 8].map((count) => {
      const job = wellKnown(known, count, { limits: { minReplicas: count, maxReplicas: count } });
      return bestOf(job).best.meanCostToTarget;
    });
    expect(costs).to.eql([...costs].sort((one, other) => one - other));
  });

  it('takes more workers for a nearer deadline, and says that it is at risk', () => {
    const known = {
      overheadSeconds: 0.01,
      secondsPerSample: 0.001,
      synchronizationSeconds: 0.01,
      gradientNoiseScale: 5000,
    };
    const relaxed = bestOf(wellKnown(known, 1)).best.secondsToTarget90;
    const sizes = [1.1, 0.8, 0.5, 0.3].map((share) => {
      const decision = only(wellKnown(known, 1, { limits: { deadline: NOW + share * relaxed } }));
      return decision.target.replicas;
    });
    expect(sizes[0]).to.equal(1);
    expect(sizes).to.eql([...sizes].sort((one, other) => one - other));
    expect(sizes.at(-1)).to.be.greaterThan(2);
  });

  it('never makes a missed deadline worse than its price', () => {
    fc.assert(
      fc.property(
        facts,
        fc.integer({ min: 1, max: 8 }),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        (known, replicas, share) => {
          const seconds = bestOf(wellKnown(known, 1)).best.secondsToTarget.value;
          const { current, best } = bestOf(wellKnown(known, replicas, { limits: { deadline: NOW + share * seconds } }));
          if (best.meetsDeadline) return;
          expect(current.meetsDeadline).to.equal(false);
          expect(best.meanObjectiveWithLateness).to.be.at.most(current.meanObjectiveWithLateness * (1 + 1e-9));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('decides the same in any currency', () => {
    const deadline = fc.option(fc.double({ min: 100, max: 1e6, noNaN: true }), { nil: undefined });
    fc.assert(
      fc.property(facts, log(1e-4, 1e4), log(1e-3, 10), deadline, (known, factor, timeValue, inSeconds) => {
        const at = (scale: number) => {
          const limits = {
            timeValuePerHour: timeValue * scale,
            deadline: inSeconds === undefined ? undefined : NOW + inSeconds,
          };
          const { action, reason, target } = only(wellKnown(known, 2, { limits }), 3.6 * scale);
          return { action, reason, target };
        };
        expect(at(factor)).to.eql(at(1));
      }),
      { numRuns: 25 },
    );
  });

  it('costs more where a node costs more, and never takes more workers for it', () => {
    fc.assert(
      fc.property(facts, log(0.1, 10), log(1.1, 10), log(0.1, 100), (known, price, factor, timeValuePerHour) => {
        const cheap = bestOf(wellKnown(known, 2, { limits: { timeValuePerHour } }), price);
        const dear = bestOf(wellKnown(known, 2, { limits: { timeValuePerHour } }), price * factor);
        expect(dear.best.meanObjective).to.be.greaterThan(cheap.best.meanObjective);
        expect(dear.best.configuration.replicas).to.be.at.most(cheap.best.configuration.replicas);
      }),
      { numRuns: 25 },
    );
  });

  it('decides the same from the same snapshot, also after it was written down', () => {
    fc.assert(
      fc.property(fc.array(facts, { minLength: 1, maxLength: 4 }), (all) => {
        const jobs = all.map((known, index) => wellKnown(known, index + 1, { key: `team/${index}` }));
        const snapshot = aSnapshot(jobs);
        const written = JSON.stringify(snapshot);
        const first = JSON.stringify(planFleet(snapshot));
        expect(JSON.stringify(snapshot)).to.equal(written);
        expect(JSON.stringify(planFleet(JSON.parse(written)))).to.equal(first);
        expect(JSON.stringify(planFleet(aSnapshot([...jobs].reverse())))).to.equal(first);
      }),
      { numRuns: 20 },
    );
  });

  it('never hands out more GPUs than a pool has', () => {
    const job = fc.record({
      known: facts,
      replicas: fc.integer({ min: 1, max: 4 }),
      gpusPerReplica: fc.integer({ min: 0, max: 2 }),
      deadlineIn: fc.option(log(10, 1e6), { nil: undefined }),
      busyWith: fc.constantFrom('Nothing' as const, 'Nothing' as const, 'NotRunning' as const, 'Resize' as const),
    });
    const fleet = fc.record({
      jobs: fc.array(job, { minLength: 1, maxLength: 6 }),
      spare: fc.nat(8),
      foreign: fc.nat(6),
    });
    fc.assert(
      fc.property(fleet, ({ jobs, spare, foreign }) => {
        const held = jobs.reduce((sum, each) => sum + each.replicas * each.gpusPerReplica, 0);
        const pool = aPool({ gpusPerNode: 2, maxNodes: Math.ceil((held + foreign + spare) / 2), foreignGpus: foreign });
        const built = jobs.map(({ known, replicas, gpusPerReplica, deadlineIn, busyWith }, index) => {
          const dataParallelSize = replicas * Math.max(1, gpusPerReplica);
          const current = aConfiguration({ replicas, dataParallelSize, microBatchSize: 64 });
          const deadline = deadlineIn === undefined ? undefined : NOW + deadlineIn;
          return wellKnown(known, replicas, {
            key: `team/${index}`,
            limits: { gpusPerReplica, deadline },
            history: { current, busyWith },
          });
        });
        const { decisions } = planFleet(aSnapshot(built, [pool]));
        const used = (configuration: Configuration, index: number) =>
          configuration.replicas * (built[index]?.limits.gpusPerReplica ?? 0);
        // A job that shrinks holds its GPUs until its pods are gone.
        const total = built.reduce((sum, each, index) => {
          const target = decisions.find(({ key }) => key === each.key)?.target ?? expect.fail('a decision each');
          return sum + Math.max(used(target, index), used(each.history.current, index));
        }, 0);
        expect(total + foreign).to.be.at.most(pool.maxNodes * pool.gpusPerNode);
      }),
      { numRuns: 30 },
    );
  });

  it('serves the earliest deadline first when a pool is short', () => {
    const known = {
      overheadSeconds: 0.01,
      secondsPerSample: 0.01,
      synchronizationSeconds: 0.01,
      gradientNoiseScale: 5000,
    };
    const jobs = [20_000, 10_000].map((seconds, index) =>
      wellKnown(known, 1, { key: `team/${index}`, limits: { deadline: NOW + seconds } }),
    );
    const { decisions } = planFleet(aSnapshot(jobs, [aPool({ maxNodes: 3 })]));
    expect(decisions.map(({ key }) => key)).to.eql(['team/1', 'team/0']);
    expect(decisions[0]?.target.replicas).to.equal(2);
    expect(decisions[1]?.target.replicas).to.equal(1);
  });

  it('says that a pool is not known', () => {
    const known = {
      overheadSeconds: 0.01,
      secondsPerSample: 0.01,
      synchronizationSeconds: 0.01,
      gradientNoiseScale: 5000,
    };
    const { decisions } = planFleet(aSnapshot([wellKnown(known, 1)], []));
    expect(decisions[0]).to.deep.include({ action: 'Hold', message: 'pool pool or its price is not known' });
  });

  it('holds a job on a pool that costs nothing, instead of dividing by its price', () => {
    const job = aJob({
      evidence: evidenceOf({
        overheadSeconds: 0.1,
        secondsPerSample: 0.001,
        gradientNoiseScale: 5000,
        timed: [aConfiguration()],
      }),
    });
    const [decision] = planFleet(aSnapshot([job], [aPool({ pricePerNodeHour: 0 })])).decisions;
    expect(decision?.plan?.savingFraction).to.equal(0);
    expect(decision?.action).to.equal('Hold');
  });

  it('holds a job whose numbers are broken, and plans the others', () => {
    const broken = aJob({
      key: 'team/broken',
      evidence: {
        ...evidenceOf({
          overheadSeconds: 0.1,
          secondsPerSample: 0.001,
          gradientNoiseScale: 5000,
          timed: [aConfiguration()],
        }),
        stepTimes: [aStepTimePoint({ microBatchSize: Number.NaN, weight: 100, meanSeconds: 0.1 })],
      },
    });
    const { decisions } = planFleet(aSnapshot([broken, aJob({ key: 'team/sound' })]));
    expect(decisions).to.have.length(2);
    expect(decisions.find(({ key }) => key === 'team/broken')?.action).to.equal('Hold');
  });
});
