import { expect } from 'chai';
import fc from 'fast-check';
import type { Evaluation } from '../../../../src/core/plan/evaluate.ts';
import { type JobDecision, planFleet } from '../../../../src/core/plan-fleet.ts';
import type { JobLimits } from '../../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, NOW } from '../../../support/a-job.ts';

const SPENT = 20;

/** A training that runs twice as fast on four workers as on one, so that it costs twice as much there. */
function decide({
  replicas = 1,
  budget,
  accruedCost = SPENT,
  ...limits
}: Partial<JobLimits> & {
  readonly replicas?: number;
  readonly budget?: number | undefined;
  readonly accruedCost?: number;
}): JobDecision {
  const layout = (count: number) => ({
    dataParallelSize: count,
    nodes: count,
    microBatchSize: 256 / count,
    gradientAccumulationSteps: 1,
  });
  const job = aJob({
    limits: {
      canRescale: true,
      maxReplicas: 4,
      sizes: { type: 'PowersOfTwo' },
      initialGlobalBatchSize: 256,
      minGlobalBatchSize: 256,
      maxGlobalBatchSize: 256,
      budgetCost: budget,
      ...limits,
    },
    history: { current: aConfiguration({ replicas, microBatchSize: 256 / replicas }), accruedCost },
    evidence: {
      ...evidenceOf({
        overheadSeconds: 0.4,
        secondsPerSample: 0.004,
        synchronizationSeconds: 0.05,
        gradientNoiseScale: 900,
        timed: [layout(1), layout(2), layout(4)],
      }),
      cleanReadings: 20,
    },
  });
  const [decision] = planFleet(aSnapshot([job], [aPool()])).decisions;
  if (decision?.plan === undefined) throw new Error('no plan');
  return decision;
}

/** Told with probability 0.9, as the budget is kept. */
const restOf = ({ ratePerHour, secondsToTarget90 }: Evaluation) => (ratePerHour * secondsToTarget90) / 3600;
const planOf = (decision: JobDecision) => {
  if (decision.plan === undefined) throw new Error('no plan');
  return decision.plan;
};
const allOf = (decision: JobDecision) => [
  planOf(decision).best,
  planOf(decision).current,
  ...planOf(decision).alternatives,
];
const costOn = (replicas: number) => {
  const found = allOf(decide({})).find(({ configuration }) => configuration.replicas === replicas);
  if (found === undefined) throw new Error(`nothing on ${replicas} workers`);
  return SPENT + restOf(found);
};

describe('planFleet: a job with a budget', () => {
  const inAHurry = { timeValuePerHour: 1000 };

  it('grows no further than the budget reaches', () => {
    expect(decide(inAHurry).target.replicas).to.equal(4);
    expect(decide({ ...inAHurry, budget: costOn(4) * 1.01 }).target.replicas).to.equal(4);
    expect(decide({ ...inAHurry, budget: costOn(4) * 0.99 }).target.replicas).to.equal(2);
    expect(decide({ ...inAHurry, budget: costOn(2) * 0.99 }).target.replicas).to.equal(1);
  });

  it('goes back to what keeps it, and says why', () => {
    const decision = decide({ ...inAHurry, replicas: 4, budget: costOn(2) * 1.02 });
    expect(decision).to.include({ action: 'Resize', reason: 'BudgetAtRisk' });
    expect(decision.target.replicas).to.equal(2);
    expect(decision.message).to.match(
      /^4→2 workers; .* takes \d.*% longer to finish, to keep the budget \(\$.*→\$.*\)$/,
    );
  });

  it('counts what is spent', () => {
    const budget = costOn(4) * 1.01;
    expect(decide({ ...inAHurry, budget, accruedCost: SPENT + 0.02 * budget }).target.replicas).to.equal(2);
  });

  it('keeps the budget before the deadline', () => {
    const { current } = planOf(decide({}));
    const deadline = NOW + 0.75 * current.secondsToTarget90;
    expect(decide({ deadline }).target.replicas).to.equal(2);
    const decision = decide({ deadline, budget: costOn(2) * 0.99 });
    expect(decision.target.replicas).to.equal(1);
    expect(decision.deadlineAtRisk).to.equal(true);
  });

  it('costs as little more as it can where nothing keeps it', () => {
    const decision = decide({ ...inAHurry, replicas: 4, budget: costOn(1) * 0.9 });
    expect(decision).to.include({ action: 'Resize', reason: 'BudgetAtRisk' });
    expect(decision.target.replicas).to.equal(1);
    const { best, cheapest90 } = planOf(decision);
    expect(best.keepsBudget).to.equal(false);
    expect(cheapest90).to.be.closeTo(restOf(best), 1e-9 * cheapest90);
  });

  it('is never above it while something fits, whatever is asked of it beside', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 4),
        fc.double({ min: 0.3, max: 2.5, noNaN: true }),
        fc.constantFrom<Partial<JobLimits>>({}, { timeValuePerHour: 5 }, inAHurry, { objective: 'TimeToTarget' }),
        fc.option(fc.double({ min: 0.2, max: 1.5, noNaN: true }), { nil: undefined }),
        (replicas, share, limits, deadlineShare) => {
          const seconds = planOf(decide({})).current.secondsToTarget90;
          const deadline = deadlineShare === undefined ? undefined : NOW + deadlineShare * seconds;
          const budget = costOn(1) * share;
          const decision = decide({ ...limits, replicas, budget, deadline });
          const fits = (each: Evaluation) => SPENT + restOf(each) <= budget * (1 + 1e-9);
          if (!allOf(decision).some(fits)) return;
          expect(fits(planOf(decision).best), 'the best').to.equal(true);
          const target = allOf(decision).find(
            ({ configuration }) => configuration.replicas === decision.target.replicas,
          );
          if (target === undefined) throw new Error('the target is none of the options');
          if (fits(planOf(decision).current)) expect(fits(target), 'the target').to.equal(true);
          else if (decision.action === 'Resize') expect(fits(target), 'the rescue').to.equal(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});
