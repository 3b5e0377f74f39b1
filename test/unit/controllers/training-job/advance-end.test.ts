import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { ago, aTuning, type ViewParts } from '../../../support/a-job-view.ts';
import { notStarted, runs } from '../../../support/advance-story.ts';

describe('advance: a suspension', () => {
  const toNothing = (phase: 'CheckpointRequested' | 'Stopping', since = 10): TrainingJobStatus => ({
    resize: {
      phase,
      from: { replicas: 2 },
      to: { replicas: 0 },
      startedAt: ago(30),
      phaseStartedAt: ago(since),
      checkpointRequest: 1,
    },
  });
  const suspend = { spec: { suspend: true } } as const;
  const pause = { message: 'hours that cost less', since: ago(130), isStart: false };
  const waiting: ViewParts = {
    job: { spec: { mode: 'Auto', eco: { mode: 'Prefer' } } },
    tuning: aTuning({ checkpointRequest: 1 }),
  };
  runs({
    'by the user begins like a resize to nothing': {
      given: { job: suspend },
      phase: 'WaitingForCapacity',
      says: ['Suspended=True/SuspendedByUser'],
      status: ({ decisions }) => expect(decisions?.at(-1)?.action).to.equal('Suspend'),
    },
    'comes when the budget is used up': {
      given: {
        job: { spec: { budget: { cost: { amount: '10' }, onExceeded: 'Suspend' } } },
        status: { cost: { currency: 'USD', accrued: '10.01' } },
      },
      phase: 'WaitingForCapacity',
      says: ['Suspended=True/BudgetExceeded'],
    },
    'does not come when the budget only notifies': {
      given: {
        job: { spec: { budget: { cost: { amount: '10' } } } },
        status: { cost: { currency: 'USD', accrued: '11' } },
      },
      phase: undefined,
      says: ['Suspended=False/NotSuspended'],
    },
    'is the will of the user even without a checkpoint': {
      given: { job: suspend, status: toNothing('CheckpointRequested', 121), tuning: aTuning({ checkpointRequest: 1 }) },
      phase: 'Stopping',
      events: ['CheckpointTimedOut'],
    },
    'for cheaper hours is given up without one, and no work is lost': {
      given: {
        ...waiting,
        status: { ...toNothing('CheckpointRequested', 121), pause: { ...pause, reason: 'CheaperHours' } },
      },
      phase: undefined,
      events: ['CheckpointTimedOut', 'RescaleGivenUp'],
      status: ({ replicas, pause: left }) => expect([replicas, left]).to.eql([2, undefined]),
    },
    'out of forbidden hours does not wait for one': {
      given: {
        ...waiting,
        status: { ...toNothing('CheckpointRequested', 121), pause: { ...pause, reason: 'OutsideHours' } },
      },
      phase: 'Stopping',
      events: ['CheckpointTimedOut'],
    },
    'is over when the last worker is gone': {
      given: { job: suspend, status: toNothing('Stopping'), workers: 0, suspended: true },
      phase: undefined,
      events: ['Suspended'],
      says: ['Running=False/Suspended', 'CapacityReady=Unknown/NotNeeded'],
      status: ({ replicas }) => expect(replicas).to.equal(0),
    },
    'stays as it is': {
      given: { job: suspend, status: { replicas: 0 }, workers: 0, suspended: true },
      phase: undefined,
    },
    'ends with the nodes first': {
      given: { status: { replicas: 0 }, workers: 0, suspended: true },
      phase: 'WaitingForCapacity',
      status: ({ resize, decisions }) => {
        expect(resize?.from.replicas).to.equal(0);
        expect(resize?.to.replicas).to.equal(2);
        expect(decisions?.at(-1)?.action).to.equal('Resume');
      },
    },
    'does not wait for workers that find no place': {
      given: {
        job: suspend,
        status: {
          resize: { ...toNothing('Stopping').resize!, phase: 'Starting', from: { replicas: 0 }, to: { replicas: 2 } },
        },
        ready: 0,
        view: { unscheduledPods: 2 },
      },
      phase: 'Stopping',
    },
  });
});

describe('advance: a job that ends', () => {
  const ended = (type: string, reason?: string): ViewParts => ({
    workers: 0,
    workerJobStatus: { conditions: [{ type, status: 'True', ...(reason === undefined ? {} : { reason }) }] },
  });
  runs({
    'is complete': {
      given: ended('Complete'),
      says: ['Complete=True/WorkloadSucceeded', 'Running=False/Finished'],
      events: ['Complete'],
    },
    'has failed too often': {
      given: ended('Failed', 'BackoffLimitExceeded'),
      says: ['Failed=True/BackoffLimitExceeded'],
    },
    'has run too long': { given: ended('Failed', 'DeadlineExceeded'), says: ['Failed=True/ActiveDeadlineExceeded'] },
    'has failed for a reason of its own': {
      given: ended('Failed', 'PodFailurePolicy'),
      says: ['Failed=True/WorkloadFailed'],
    },
    'ends a resize with it': {
      given: {
        ...ended('Complete'),
        status: { resize: { phase: 'Stopping', from: { replicas: 2 }, to: { replicas: 4 }, startedAt: ago(5) } },
      },
      phase: undefined,
    },
    'is not told twice, nor started again when its workload is deleted': {
      given: {
        ...notStarted,
        status: {
          conditions: [
            { type: 'Complete', status: 'True', reason: 'WorkloadSucceeded', message: '', lastTransitionTime: ago(99) },
          ],
        },
      },
      events: [],
    },
  });
});
