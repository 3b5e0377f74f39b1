import { expect } from 'chai';
import type { JobFindings } from '../../../../src/controllers/fleet/fleet-memory.ts';
import { advance } from '../../../../src/controllers/training-job/advance.ts';
import { reportSignals } from '../../../../src/controllers/training-job/signals.ts';
import { NEW_ACCOUNT } from '../../../../src/core/account/job-account.ts';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import { aConfiguration, aJob, aPool, evidenceOf } from '../../../support/a-job.ts';
import { aJobView, NOW } from '../../../support/a-job-view.ts';

const SPENT = 12.5;

/** Of a run on two workers that could also run on one, for less. */
function findings(budgetCost: number): JobFindings {
  const layout = (count: number) => ({ dataParallelSize: count, nodes: count, microBatchSize: 16 });
  const evidence = evidenceOf({
    overheadSeconds: 0.1,
    secondsPerSample: 0.001,
    synchronizationSeconds: 0.1,
    gradientNoiseScale: 900,
    timed: [layout(1), layout(2)].map((each) => ({ ...each, gradientAccumulationSteps: 1 })),
  });
  const current = aConfiguration({ replicas: 2 });
  const limits = { canRescale: true, maxReplicas: 2, maxGlobalBatchSize: 32, minGlobalBatchSize: 32, budgetCost };
  const job = aJob({ evidence, history: { current, accruedCost: SPENT }, limits });
  const [decision] = planFleet({ now: NOW, jobs: [job], pools: [aPool()] }).decisions;
  return { uid: 'x', evidence, decision, decidedAt: NOW, account: { ...NEW_ACCOUNT, cost: SPENT, until: NOW } };
}

function conditionFor(amount: number) {
  const budget = {
    cost: { amount: String(amount), currency: 'USD' },
    onExceeded: 'Notify' as const,
    warnAtPercent: 80,
  };
  const view = aJobView({ job: { spec: { budget } } });
  const draft = advance(view);
  reportSignals(view, draft, findings(amount));
  return draft.status.conditions?.find(({ type }) => type === 'WithinBudget');
}

describe('the budget of a run', () => {
  const amounts = (text: string | undefined) =>
    [...(text ?? '').matchAll(/\$([\d,.]+\d)/g)].map(([, digits]) => Number(digits?.replaceAll(',', '')));

  it('is kept while the forecast is far below it', () => {
    expect(conditionFor(1e6)).to.include({ status: 'True', reason: 'WithinBudget' });
  });

  it('is at risk, with the workers that would keep it', () => {
    const least = amounts(conditionFor(SPENT + 1)?.message).at(-1) ?? Number.NaN;
    const condition = conditionFor(least * 1.01);
    expect(condition).to.include({ status: 'False', reason: 'ForecastExceedsBudget' });
    expect(condition?.message).to.match(
      /^the run costs up to \$\S+ of \$\S+; it can keep it on 1 worker, with up to \$\S+$/,
    );
    const [forecast = 0, budget = 0, kept = 0] = amounts(condition?.message);
    expect(forecast).to.be.above(budget);
    expect(kept).to.be.at.most(budget);
  });

  it('cannot be kept by any number of workers, and the least is told', () => {
    const condition = conditionFor(SPENT + 1);
    expect(condition).to.include({ status: 'False', reason: 'ForecastExceedsBudget' });
    expect(condition?.message).to.match(/; no lower budget than \$\S+ can be kept$/);
    const [forecast = 0, budget = 0, least = 0] = amounts(condition?.message);
    expect(least).to.be.above(budget).and.below(forecast);
  });

  it('is used up once that much is spent', () => {
    expect(conditionFor(SPENT)).to.include({ status: 'False', reason: 'BudgetExceeded' });
  });
});
