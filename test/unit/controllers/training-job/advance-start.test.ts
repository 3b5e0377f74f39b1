import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { ago, aTuning } from '../../../support/a-job-view.ts';
import { notStarted, runs } from '../../../support/advance-story.ts';

describe('advance: a job that starts', () => {
  runs({
    'gets its tuning file before its workers': {
      given: notStarted,
      moves: ['tuning 1: 128×1×2', 'create 2'],
      events: ['Started'],
      says: ['Accepted=True/Accepted'],
      status: ({ decisions }) => expect(decisions?.[0]?.to?.replicas).to.equal(2),
    },
    'waits for nodes that are ours to ask for': {
      given: { ...notStarted, view: { workerJob: undefined, reachableGpus: 1 } },
      says: ['CapacityReady=False/WaitingForNodes'],
      status: ({ replicas }) => expect(replicas, 'told to the pool').to.equal(2),
    },
    'does not wait where nodes are left to others': {
      given: { ...notStarted, view: { workerJob: undefined, reachableGpus: undefined } },
      moves: ['tuning 1: 128×1×2', 'create 2'],
    },
    'goes on with the tuning of before when its workload was deleted': {
      given: { view: { workerJob: undefined }, workers: 0, tuning: aTuning({ microBatchSize: 32, version: 9 }) },
      moves: ['tuning 9: 32×1×2', 'create 2'],
      events: [],
    },
    'stays away while it is suspended from the start': {
      given: { ...notStarted, job: { spec: { suspend: true } } },
      says: ['Suspended=True/SuspendedByUser', 'Running=False/Suspended'],
    },
  });
});

describe('advance: a job that cannot be carried out', () => {
  const refused = (reason: string, generation = 1): TrainingJobStatus => ({
    conditions: [
      {
        type: 'Accepted',
        status: 'False',
        reason,
        message: 'why',
        lastTransitionTime: ago(5),
        observedGeneration: generation,
      },
    ],
  });
  runs({
    'names the pool that is missing': {
      given: { ...notStarted, view: { workerJob: undefined, pools: [], pool: undefined } },
      says: ['Accepted=False/PoolNotFound'],
    },
    'is too wide for a node': {
      given: { ...notStarted, job: { spec: { elasticity: { gpusPerReplica: 4 } } } },
      says: ['Accepted=False/GpusExceedNode'],
    },
    'has a budget in another currency': {
      given: { ...notStarted, job: { spec: { budget: { cost: { amount: '10', currency: 'EUR' } } } } },
      says: ['Accepted=False/CurrencyMismatch'],
    },
    'bears a name that is taken': {
      given: { ...notStarted, view: { workerJob: undefined, nameTaken: true } },
      says: ['Accepted=False/NameTaken'],
    },
    'was refused by the API server a moment ago and waits': {
      given: {
        ...notStarted,
        status: refused('PodTemplateRefused'),
        view: { workerJob: undefined, creationPaused: true },
      },
      says: ['Accepted=False/PodTemplateRefused'],
    },
    'was refused a while ago and is tried again, still refused until it is made': {
      given: { ...notStarted, status: refused('PodTemplateRefused') },
      moves: ['tuning 1: 128×1×2', 'create 2'],
      says: ['Accepted=False/PodTemplateRefused'],
    },
    'was refused before its spec was changed': {
      given: {
        ...notStarted,
        status: refused('PodTemplateRefused', 0),
        view: { workerJob: undefined, creationPaused: true },
      },
      moves: ['tuning 1: 128×1×2', 'create 2'],
      says: ['Accepted=True/Accepted'],
    },
    'goes on when it runs already': {
      given: { view: { pools: [] } },
      says: ['Accepted=False/PoolNotFound', 'Running=True/Training'],
    },
  });
});
