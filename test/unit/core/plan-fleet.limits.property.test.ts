import { expect } from 'chai';
import fc from 'fast-check';
import type { Configuration } from '../../../src/core/configuration.ts';
import { type FleetPlan, planFleet } from '../../../src/core/plan-fleet.ts';
import type { JobSnapshot, PoolSnapshot } from '../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, NOW } from '../../support/a-job.ts';

const log = (min: number, max: number) =>
  fc.double({ min: Math.log(min), max: Math.log(max), noNaN: true }).map(Math.exp);

const aTraining = fc.record({
  overheadSeconds: log(1e-3, 1),
  secondsPerSample: log(1e-5, 1e-2),
  synchronizationSeconds: log(1e-3, 1),
  gradientNoiseScale: log(100, 1e5),
  replicas: fc.integer({ min: 1, max: 4 }),
  deadlineIn: fc.option(log(100, 1e7), { nil: undefined }),
  timeValuePerHour: fc.constantFrom(0, 0, 1, 50),
});
type Training = typeof aTraining extends fc.Arbitrary<infer T> ? T : never;
const aFleet = fc.array(aTraining, { minLength: 1, maxLength: 4 });

function jobOf(
  { replicas, deadlineIn, timeValuePerHour, ...known }: Training,
  index: number,
  currency = 1,
): JobSnapshot {
  const timed = [1, 2, 4, 8].flatMap((count) =>
    [16, 128, 1024].map((micro) => aConfiguration({ replicas: count, microBatchSize: micro })),
  );
  return aJob({
    key: `team/${index}`,
    limits: {
      canRescale: true,
      maxReplicas: 8,
      maxGlobalBatchSize: 1 << 16,
      timeValuePerHour: timeValuePerHour * currency,
      deadline: deadlineIn === undefined ? undefined : NOW + deadlineIn,
    },
    history: { current: aConfiguration({ replicas, microBatchSize: 64 }) },
    evidence: evidenceOf({ ...known, timed }),
  });
}

const plan = (jobs: readonly JobSnapshot[], pool: Partial<PoolSnapshot> = {}): FleetPlan =>
  planFleet(aSnapshot(jobs, [aPool(pool)]));

const held = (jobs: readonly JobSnapshot[]) => jobs.reduce((sum, { history }) => sum + history.current.replicas, 0);

function deeplyFrozen<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) deeplyFrozen(part);
    Object.freeze(value);
  }
  return value;
}

describe('planFleet, of any fleet', () => {
  it('costs as many times as much as the currency is worth less', () => {
    fc.assert(
      fc.property(aFleet, log(1e-3, 1e3), (fleet, factor) => {
        const one = plan(fleet.map((each, index) => jobOf(each, index)));
        const other = plan(
          fleet.map((each, index) => jobOf(each, index, factor)),
          { pricePerNodeHour: 3.6 * factor },
        );
        expect(other.cost / one.cost).to.be.closeTo(factor, factor * 1e-6);
        expect(other.gap).to.be.closeTo(one.gap, 1e-6);
      }),
      { numRuns: 20 },
    );
  });

  it('never costs more with more capacity, as far as is proven', () => {
    fc.assert(
      fc.property(aFleet, fc.nat(6), fc.integer({ min: 1, max: 10 }), (fleet, spare, more) => {
        const jobs = fleet.map((each, index) => jobOf(each, index));
        const scarce = plan(jobs, { maxNodes: held(jobs) + spare });
        const ample = plan(jobs, { maxNodes: held(jobs) + spare + more });
        expect(ample.lowerBound).to.be.at.most(scarce.cost * (1 + 1e-9));
        expect(ample.cost).to.be.at.most((scarce.cost * (1 + 1e-9)) / (1 - ample.gap));
      }),
      { numRuns: 20 },
    );
  });

  it('is never cheaper for a nearer deadline', () => {
    fc.assert(
      fc.property(aTraining, log(100, 1e6), log(1.01, 100), (training, inSeconds, factor) => {
        const costAt = (deadlineIn: number) => plan([jobOf({ ...training, deadlineIn }, 0)]).cost;
        expect(costAt(inSeconds)).to.be.at.least(costAt(inSeconds * factor) * (1 - 1e-9));
      }),
      { numRuns: 30 },
    );
  });

  it('decides the same for a snapshot that nobody can write to, and in any order of jobs and pools', () => {
    fc.assert(
      fc.property(aFleet, fc.integer({ min: 0, max: 6 }), (fleet, spare) => {
        const jobs = fleet.map((each, index) => jobOf(each, index));
        const pools = [aPool({ maxNodes: held(jobs) + spare }), aPool({ name: 'other' }), aPool({ name: 'third' })];
        const decided = (plan: FleetPlan) => JSON.stringify(plan.decisions);
        const first = decided(planFleet(aSnapshot(jobs, pools)));
        expect(decided(planFleet(deeplyFrozen(structuredClone(aSnapshot(jobs, pools)))))).to.equal(first);
        expect(decided(planFleet(aSnapshot([...jobs].reverse(), [...pools].reverse())))).to.equal(first);
      }),
      { numRuns: 20 },
    );
  });

  it('changes the workers of a job at most once within its dwell', () => {
    fc.assert(
      fc.property(aTraining, fc.array(log(0.3, 3), { minLength: 20, maxLength: 20 }), (training, shocks) => {
        const dwell = 600;
        let current: Configuration = aConfiguration({ replicas: training.replicas, microBatchSize: 64 });
        let resizedAt: number[] = [];
        shocks.forEach((shock, cycle) => {
          const now = NOW + 60 * cycle;
          const told = jobOf({ ...training, secondsPerSample: training.secondsPerSample * shock }, 0);
          const job: JobSnapshot = {
            ...told,
            limits: { ...told.limits, cooldownSeconds: dwell },
            history: { ...told.history, current, resizedAt, lastResizeAt: resizedAt.at(-1), restartSeconds: 1 },
            evidence: {
              ...told.evidence,
              last: told.evidence.last && { ...told.evidence.last, observedAt: now - 1 },
              progress: { ...told.evidence.progress, lastStepAt: now - 1 },
            },
          };
          const [decision] = planFleet({ now, jobs: [job], pools: [aPool()] }).decisions;
          if (decision === undefined) expect.fail('a decision for every job');
          if (decision.action === 'Resize') resizedAt = [...resizedAt, now];
          current = decision.target;
        });
        resizedAt.slice(1).forEach((at, index) => {
          expect(at - (resizedAt[index] ?? 0)).to.be.at.least(dwell);
        });
      }),
      { numRuns: 15 },
    );
  });
});
