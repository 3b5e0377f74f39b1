import { expect } from 'chai';
import { judge, type Outcome, renderYields } from '../../../deploy/dev/demo/summary.ts';
import { yieldOf } from '../../../deploy/dev/demo/yielding.ts';
import type { TrainingJobStatus } from '../../../src/api/training-job.ts';
import { ago } from '../../support/a-job-view.ts';
import { aTrainingJob } from '../../support/a-training-job.ts';

type Decision = NonNullable<TrainingJobStatus['decisions']>[number];

function aResize(secondsAgo: number, from: number, to: number, parts: Partial<Decision> = {}): Decision {
  const sizes = { from: { replicas: from }, to: { replicas: to } };
  return { time: ago(secondsAgo), action: 'Resize', reason: 'DeadlineAtRisk', message: 'why', ...sizes, ...parts };
}

function aJob(name: string, pool: string, isUrgent: boolean, decisions: readonly Decision[]) {
  const deadline = isUrgent ? { deadline: ago(-3600) } : {};
  const objective = { work: { type: 'Steps' as const, steps: 100 }, ...deadline };
  return aTrainingJob({
    name,
    spec: { objective, capacity: { pools: [{ name: pool }] } },
    status: { decisions: [...decisions] },
  });
}

function anOutcome(name: string, parts: Partial<Outcome> = {}): Outcome {
  return {
    name,
    succeeded: true,
    guessSeconds: 3000,
    stepwiseSeconds: 3600,
    deadlineSeconds: undefined,
    guessUsd: 2,
    stepwiseUsd: 1,
    workersUsd: 1,
    operatorUsd: 1,
    gaveUp: undefined,
    ...parts,
  };
}

const YIELD = aResize(100, 4, 2, { reason: 'YieldsToOthers' });

describe('the summary of the demo', () => {
  const patient = aJob('patient', 'full', false, [YIELD]);

  for (const [why, other, receivers] of [
    ['one that grew afterwards', aJob('urgent', 'full', true, [aResize(50, 1, 2)]), ['urgent']],
    ['not one that grew before', aJob('urgent', 'full', true, [aResize(150, 1, 2)]), []],
    ['not one that shrank', aJob('urgent', 'full', true, [aResize(50, 2, 1)]), []],
    ['not one on another pool', aJob('urgent', 'spare', true, [aResize(50, 1, 2)]), []],
    ['not one without a deadline', aJob('urgent', 'full', false, [aResize(50, 1, 2)]), []],
  ] as const) {
    it(`finds who received what another job gave up, ${why}`, () => {
      expect(yieldOf(patient, [patient, other])).to.deep.equal({ from: 4, to: 2, receivers });
    });
  }

  it('takes no yield for one that was not carried out', () => {
    expect(yieldOf(aJob('patient', 'full', false, [{ ...YIELD, action: 'Hold' }]), [])).to.equal(undefined);
  });

  const gaveUp = { from: 4, to: 2, receivers: ['urgent'] };

  it('lets a job that yielded be dearer, and says so', () => {
    const outcomes = [anOutcome('patient', { stepwiseUsd: 2.5, gaveUp }), anOutcome('urgent')];
    expect(judge(outcomes).problems).to.deep.equal([]);
    expect(renderYields(outcomes)).to.deep.equal([
      'patient gave up 2 of its 4 GPUs for urgent: it ended 0h10 later and cost $0.50 more than as guessed.',
    ]);
  });

  it('lets no other job be dearer', () => {
    const outcomes = [anOutcome('patient', { gaveUp }), anOutcome('other', { stepwiseUsd: 2.5 })];
    expect(judge(outcomes).problems).to.deep.equal(['other was dearer under Stepwise']);
  });

  for (const [what, outcomes] of [
    ['nobody yielded', [anOutcome('patient')]],
    ['nobody took what was given up', [anOutcome('patient', { gaveUp: { ...gaveUp, receivers: [] } })]],
  ] as const) {
    it(`fails where ${what}`, () => {
      expect(judge(outcomes).problems).to.deep.equal(['no job gave GPUs up for one with a deadline']);
    });
  }
});
