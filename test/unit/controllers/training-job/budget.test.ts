import { expect } from 'chai';
import type { TrainingJobInput, TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { advance } from '../../../../src/controllers/training-job/advance.ts';
import { limitsWithin } from '../../../../src/controllers/training-job/budget.ts';
import { reportSignals } from '../../../../src/controllers/training-job/signals.ts';
import { type JobAccount, NEW_ACCOUNT } from '../../../../src/core/account/job-account.ts';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import { aConfiguration, aJob, aPool, evidenceOf, NOW as SNAPSHOT_NOW } from '../../../support/a-job.ts';
import { ago, aJobView, NOW } from '../../../support/a-job-view.ts';
import { runs } from '../../../support/advance-story.ts';

type Budget = NonNullable<TrainingJobInput['spec']['budget']>;

/** Of a run that has about 13 hours to go. */
function findings(account: Partial<JobAccount>) {
  const layout = (microBatchSize: number) => aConfiguration({ microBatchSize });
  const evidence = evidenceOf({
    overheadSeconds: 0.1,
    secondsPerSample: 0.001,
    gradientNoiseScale: 900,
    timed: [layout(16), layout(64)],
    referenceSamplesDone: 1_000_000,
  });
  const [decision] = planFleet({ now: SNAPSHOT_NOW, jobs: [aJob({ evidence })], pools: [aPool()] }).decisions;
  return { uid: 'x', evidence, decision, decidedAt: NOW, account: { ...NEW_ACCOUNT, ...account } };
}

function judge(budget: Budget, account: Partial<JobAccount>, status: TrainingJobStatus = {}) {
  const view = aJobView({ job: { spec: { budget } }, status });
  const draft = advance(view);
  reportSignals(view, draft, findings(account));
  const condition = draft.status.conditions?.find(({ type }) => type === 'WithinBudget');
  return { ...draft, said: `${condition?.status}/${condition?.reason}`, message: condition?.message };
}

const overrun = (parts: Partial<NonNullable<TrainingJobStatus['overrun']>> = {}) => ({
  overrun: { resource: 'Energy' as const, limit: '5', isSpent: false, since: ago(60), message: 'too much', ...parts },
});

describe('the budget of a job', () => {
  it('is told of by the forecast of the whole run', () => {
    const { said, message, status } = judge({ cost: { amount: '20' } }, { cost: 1 });
    expect(said).to.equal('False/ForecastExceedsBudget');
    expect(message).to.match(/^the forecast is \$[\d.]+ of \$20\.00$/);
    expect(status.overrun).to.equal(undefined);
  });
  it('may be one of energy', () => {
    const account = { kilowattHours: 2, busySeconds: 3600 };
    expect(judge({ energyKilowattHours: '4' }, account).said).to.equal('False/ForecastExceedsBudget');
    expect(judge({ energyKilowattHours: '400' }, account)).to.include({ said: 'True/WithinBudget' });
  });
  it('may be one of carbon', () => {
    const { said, message } = judge({ carbonKilograms: '3' }, { kgCo2e: 3.2, kilowattHours: 9, busySeconds: 3600 });
    expect(said).to.equal('False/BudgetExceeded');
    expect(message).to.equal('3.2 kg CO2e of 3 kg CO2e are emitted');
  });
  it('is not said to be kept where nothing tells what is used', () => {
    const unmetered = { busySeconds: 3600, unknownGpuSeconds: 7200 };
    expect(judge({ energyKilowattHours: '4' }, unmetered).said).to.equal('Unknown/UsageUnknown');
    expect(judge({ carbonKilograms: '4' }, unmetered).message).to.contain('busyWattsPerGpu');
    const untold = { kilowattHours: 2, kilowattHoursWithoutIntensity: 2, busySeconds: 3600 };
    expect(judge({ carbonKilograms: '4' }, untold).said).to.equal('Unknown/UsageUnknown');
    expect(judge({ carbonKilograms: '4' }, untold).message).to.contain('carbonSource');
    expect(judge({ energyKilowattHours: '400' }, untold).said).to.equal('True/WithinBudget');
    expect(
      judge({ carbonKilograms: '4000' }, { ...untold, kgCo2e: 0.1, kilowattHoursWithoutIntensity: 1 }).said,
    ).to.equal('True/WithinBudget');
  });
  it('is acted on when the rest is surely too much, and that is noted first', () => {
    const account = { kilowattHours: 4, busySeconds: 3600 };
    const { status, events } = judge({ energyKilowattHours: '5', onExceeded: 'Suspend' }, account);
    expect(status.overrun).to.deep.include({ resource: 'Energy', limit: '5', isSpent: false });
    expect(events.map(({ reason }) => reason)).to.include('BudgetOverrun');
  });
  it('is noted once', () => {
    const account = { kilowattHours: 4, busySeconds: 3600 };
    const { events } = judge({ energyKilowattHours: '5', onExceeded: 'Shrink' }, account, overrun());
    expect(events.map(({ reason }) => reason)).not.to.include('BudgetOverrun');
  });
  it('is forgotten when the limit is raised', () => {
    const { status } = judge({ energyKilowattHours: '5000', onExceeded: 'Suspend' }, {}, overrun());
    expect(status.overrun).to.equal(undefined);
  });

  const budget = (onExceeded: NonNullable<Budget['onExceeded']>, energyKilowattHours = '5') => ({
    spec: { budget: { energyKilowattHours, onExceeded } },
  });
  runs({
    'stops the workers when it is overrun': {
      given: { job: budget('Suspend'), status: overrun() },
      phase: 'WaitingForCapacity',
      says: ['Suspended=True/BudgetExceeded'],
    },
    'lets them go on once it is raised': {
      given: { job: budget('Suspend', '50'), status: overrun() },
      phase: undefined,
      says: ['Suspended=False/NotSuspended'],
    },
    'only tells where that is asked for': {
      given: { job: budget('Notify'), status: overrun() },
      phase: undefined,
      says: ['Suspended=False/NotSuspended'],
    },
    'ends the run once the workers have stopped': {
      given: { job: budget('Fail'), status: { ...overrun(), replicas: 0 }, workers: 0, suspended: true },
      says: ['Failed=True/BudgetExceeded', 'Running=False/Finished'],
      status: ({ state, completionTime }) => {
        expect(state).to.equal('Failed');
        expect(completionTime).to.equal(ago(0));
      },
    },
    'does not end it before': {
      given: { job: budget('Fail'), status: overrun() },
      phase: 'WaitingForCapacity',
      says: ['Failed=False/NotFailed'],
    },
  });

  it('shrinks the run to what costs least, and to the fewest workers when all is spent', () => {
    const limits = { ...aJobView().limits, timeValuePerHour: 9, objective: 'TimeToTarget' as const };
    const within = (status: TrainingJobStatus) => limitsWithin(limits, aJobView({ job: budget('Shrink'), status }));
    expect(within({})).to.equal(limits);
    expect(within(overrun())).to.include({ objective: 'CostToTarget', timeValuePerHour: 0, maxReplicas: 8 });
    expect(within(overrun({ isSpent: true }))).to.include({ maxReplicas: 1 });
  });
});
