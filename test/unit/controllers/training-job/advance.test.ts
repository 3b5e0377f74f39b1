import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { advance } from '../../../../src/controllers/training-job/advance.ts';
import type { Draft, Move } from '../../../../src/controllers/training-job/draft.ts';
import { aConfiguration } from '../../../support/a-job.ts';
import { aDecision, ago, aJobView, aTuning, type ViewParts } from '../../../support/a-job-view.ts';

interface Story {
  readonly given: ViewParts;
  /** Moves in short: `tuning 4: 64×2×2`, `size 4`, `suspend`, `create 2`. */
  readonly moves?: readonly string[];
  /** Conditions as `Type=Status/Reason`. */
  readonly says?: readonly string[];
  readonly events?: readonly string[];
  readonly phase?: string | undefined;
  readonly status?: (status: TrainingJobStatus) => void;
}

function tell(draft: Draft): { moves: string[]; conditions: string[]; events: string[] } {
  return {
    moves: draft.moves.map(describeMove),
    conditions: (draft.status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`),
    events: draft.events.map(({ reason }) => reason),
  };
}

function describeMove(move: Move): string {
  if (move.type === 'CreateWorkload') return `create ${move.replicas}`;
  if (move.type === 'SizeWorkload') return move.suspend ? 'suspend' : `size ${move.replicas}`;
  const { version, microBatchSize, gradientAccumulationSteps, dataParallelSize } = move.tuning;
  return `tuning ${version}: ${microBatchSize}×${gradientAccumulationSteps}×${dataParallelSize}`;
}

function runs(stories: Readonly<Record<string, Story>>): void {
  for (const [name, story] of Object.entries(stories)) {
    it(name, () => {
      const draft = advance(aJobView(story.given));
      const told = tell(draft);
      expect(told.moves, 'moves').to.deep.equal(story.moves ?? []);
      expect(told.conditions, 'conditions').to.include.members([...(story.says ?? [])]);
      if (story.events !== undefined) expect(told.events, 'events').to.deep.equal(story.events);
      if ('phase' in story) expect(draft.status.resize?.phase, 'phase').to.equal(story.phase);
      story.status?.(draft.status);
    });
  }
}

const tuned = { globalBatchSize: 256, microBatchSize: 128, gradientAccumulationSteps: 1, dataParallelSize: 2 };
const lastGood = { version: 2, ...tuned, microBatchSize: 64, globalBatchSize: 128, learningRateScale: '1' };
const batch = { ...tuned, learningRateScale: '1', version: 3, lastGood };
const inFlight = (ackedIn: number) => ({ version: 3, sentAt: ago(60 - ackedIn), ackDeadline: ago(-ackedIn) });
const notStarted = { view: { workerJob: undefined }, tuning: undefined, workers: 0, reading: undefined } as const;
const reload = (microBatchSize: number) =>
  aDecision({
    action: 'Reload',
    target: aConfiguration({ pool: 't4', replicas: 2, microBatchSize, gradientAccumulationSteps: 1 }),
  });
const resizeTo = (replicas: number) =>
  aDecision({
    action: 'Resize',
    target: aConfiguration({ pool: 't4', replicas, microBatchSize: 128, gradientAccumulationSteps: 1 }),
  });

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

describe('advance: the batch', () => {
  runs({
    'is left alone when nothing was decided': { given: {}, says: ['ConfigInSync=True/Applied'] },
    'changes as decided': {
      given: { view: { decision: reload(256) }, reading: { loss: 2 } },
      moves: ['tuning 4: 256×1×2'],
      says: ['ConfigInSync=False/WaitingForAck'],
      events: ['BatchChanged'],
      status: ({ bookkeeping, tuning }) => {
        expect(bookkeeping?.guard?.lossBefore).to.equal('2');
        expect(tuning?.ackDeadline).to.equal(ago(-60));
      },
    },
    'is not guarded by a loss that no decimal holds': {
      given: { view: { decision: reload(256) }, reading: { loss: 1e300 } },
      moves: ['tuning 4: 256×1×2'],
      status: ({ bookkeeping }) => expect(bookkeeping?.guard).to.equal(undefined),
    },
    'is not changed before the last answer': {
      given: {
        status: { batch, tuning: inFlight(30) },
        reading: { configVersion: 2 },
        view: { decision: reload(256) },
      },
      says: ['ConfigInSync=False/WaitingForAck'],
    },
    'is noted as good once the trainer has applied it': {
      given: { status: { batch, tuning: inFlight(30), bookkeeping: { unacknowledgedSince: ago(90) } } },
      says: ['ConfigInSync=True/Applied'],
      status: (status) => {
        expect(status.tuning).to.equal(undefined);
        expect(status.batch?.lastGood?.version).to.equal(3);
        expect(status.bookkeeping?.unacknowledgedSince).to.equal(undefined);
      },
    },
    'goes back below a ceiling after an out-of-memory': {
      given: {
        status: { batch, tuning: inFlight(30) },
        reading: { configVersion: 2, rejectedVersion: 3, rejectionReason: 'out_of_memory' },
      },
      moves: ['tuning 4: 64×1×2'],
      events: ['BatchRolledBack'],
      status: ({ batch: told }) => expect(told?.microBatchSizeCeiling, 'four fifths of 128').to.equal(102),
    },
    'never gets a ceiling below what has run': {
      given: {
        status: { batch: { ...batch, lastGood: { ...lastGood, microBatchSize: 120 } }, tuning: inFlight(30) },
        reading: { configVersion: 2, rejectedVersion: 3, rejectionReason: 'out_of_memory' },
      },
      moves: ['tuning 4: 120×1×2'],
      status: ({ batch: told }) => expect(told?.microBatchSizeCeiling).to.equal(120),
    },
    'gets no ceiling when it was refused for another reason': {
      given: {
        status: { batch, tuning: inFlight(30) },
        reading: { configVersion: 2, rejectedVersion: 3, rejectionReason: 'unsupported' },
      },
      moves: ['tuning 4: 64×1×2'],
      status: ({ batch: told }) => expect(told?.microBatchSizeCeiling).to.equal(undefined),
    },
    'goes back when the trainer never answers': {
      given: {
        status: { batch, tuning: inFlight(-5) },
        reading: { configVersion: 2, observedAt: Date.UTC(2026, 0, 1) / 1000 },
      },
      moves: ['tuning 4: 64×1×2'],
      says: ['ConfigInSync=False/ReloadNotAcked'],
      events: ['ReloadNotAcked', 'BatchRolledBack'],
      status: (status) => {
        expect(status.tuning, 'nothing is waited for').to.equal(undefined);
        expect(status.bookkeeping?.unacknowledgedSince).to.equal(ago(65));
      },
    },
    'is still waited for when the metrics are silent past the deadline': {
      given: {
        status: { batch, tuning: inFlight(-30) },
        reading: { configVersion: 2, observedAt: Date.UTC(2026, 0, 1) / 1000 - 100 },
      },
      says: ['ConfigInSync=False/WaitingForAck'],
    },
    'is still waited for when nothing was read since a restart': {
      given: { status: { batch, tuning: inFlight(-30) }, reading: undefined },
      says: ['ConfigInSync=False/WaitingForAck'],
    },
    'is written again when somebody deleted the file': {
      given: { status: { batch }, tuning: undefined },
      moves: ['tuning 4: 128×1×2'],
    },
    'is repaired, and not resized, when the file lost its number of workers': {
      given: { status: { batch, replicas: 2 }, job: { spec: { replicas: 1 } }, view: { tunedReplicas: undefined } },
      moves: ['tuning 4: 128×1×2'],
      phase: undefined,
    },
  });
});

describe('advance: the loss guard', () => {
  const guard = { version: 3, lossBefore: '2', stepAtChange: 4000, microBatchSize: 64, gradientAccumulationSteps: 1 };
  const watched = (loss: number | undefined, steps = 5000): ViewParts => ({
    status: { batch, bookkeeping: { guard } },
    reading: { loss, steps },
  });
  const gone: Story['status'] = ({ bookkeeping }) => expect(bookkeeping?.guard).to.equal(undefined);
  const stays: Story['status'] = ({ bookkeeping }) => expect(bookkeeping?.guard).to.deep.equal(guard);
  runs({
    'takes a batch back after which the loss rose': {
      given: watched(2.2),
      moves: ['tuning 4: 64×1×2'],
      events: ['BatchRolledBack'],
      status: ({ bookkeeping }) => expect(bookkeeping?.globalBatchSizeCeiling).to.equal(128),
    },
    'takes a batch back after which the loss is no number': { given: watched(Number.NaN), moves: ['tuning 4: 64×1×2'] },
    'takes a batch back after which the loss is beyond all bounds': {
      given: watched(Number.POSITIVE_INFINITY),
      moves: ['tuning 4: 64×1×2'],
    },
    'lets a small rise pass': { given: watched(2.09), status: gone },
    'waits for enough steps': { given: watched(9, 4100), status: stays },
    'waits for a loss to be reported': { given: watched(undefined), status: stays },
    'lets a loss of nothing stay nothing': {
      given: { ...watched(0), status: { batch, bookkeeping: { guard: { ...guard, lossBefore: '0' } } } },
      status: gone,
    },
    'forgets a batch that is in force no more': {
      given: { ...watched(9), status: { batch, bookkeeping: { guard: { ...guard, version: 2 } } } },
      status: gone,
    },
  });
});

describe('advance: a resize', () => {
  const resize = (phase: NonNullable<TrainingJobStatus['resize']>['phase'], parts: object = {}) => ({
    phase,
    from: { pool: 't4', replicas: 2 },
    to: { pool: 't4', replicas: 4, globalBatchSize: 256, microBatchSize: 64, gradientAccumulationSteps: 1 },
    startedAt: ago(30),
    phaseStartedAt: ago(10),
    checkpointRequest: 1,
    ...parts,
  });
  const down = { to: { pool: 't4', replicas: 1, microBatchSize: 128, gradientAccumulationSteps: 2 } };
  const four = { replicas: 4 };
  const wants4 = { job: { spec: four } } as const;
  runs({
    'is noted before anything is touched': {
      given: { view: { decision: resizeTo(4) } },
      phase: 'WaitingForCapacity',
      says: ['Rescaling=True/WaitingForCapacity'],
      status: (status) => expect(status.decisions?.at(-1)?.action).to.equal('Resize'),
    },
    'follows the user where the mode is not Auto': {
      given: { job: { spec: { mode: 'Recommend', replicas: 4 } }, view: { decision: resizeTo(1) } },
      phase: 'WaitingForCapacity',
      status: (status) => expect(status.resize?.to.replicas).to.equal(4),
    },
    'waits for the nodes of its new size': {
      given: { ...wants4, status: { resize: resize('WaitingForCapacity') }, view: { reachableGpus: 2 } },
      phase: 'WaitingForCapacity',
      status: (status) => expect(status.replicas, 'told to the pool').to.equal(4),
    },
    'goes on as soon as the nodes are ready': {
      given: { ...wants4, status: { resize: resize('WaitingForCapacity') } },
      phase: 'CheckpointRequested',
    },
    'is given up when the nodes do not come': {
      given: {
        ...wants4,
        status: { resize: resize('WaitingForCapacity', { phaseStartedAt: ago(901) }) },
        view: { reachableGpus: 2 },
      },
      phase: undefined,
      says: ['Rescaling=False/CapacityTimedOut'],
      events: ['RescaleGivenUp'],
      status: (status) => {
        expect(status.replicas).to.equal(2);
        expect(status.bookkeeping?.lastRescaleTime, 'the cooldown begins').to.equal(ago(0));
      },
    },
    'asks for a checkpoint': {
      given: { ...wants4, status: { batch, resize: resize('CheckpointRequested') } },
      moves: ['tuning 4: 128×1×2'],
      events: ['CheckpointRequested'],
      phase: 'CheckpointRequested',
    },
    'lets the trainer answer the tuning before, first': {
      given: {
        ...wants4,
        status: { batch, tuning: inFlight(30), resize: resize('CheckpointRequested') },
        reading: { configVersion: 2 },
      },
      phase: 'CheckpointRequested',
    },
    'stops the workers once the checkpoint is there': {
      given: {
        ...wants4,
        status: { resize: resize('CheckpointRequested') },
        tuning: aTuning({ checkpointRequest: 1 }),
        reading: { checkpointRequest: 1, checkpointStep: 4990 },
      },
      phase: 'Stopping',
      events: ['CheckpointCompleted'],
    },
    'does not ask workers that never made a step': {
      given: { ...wants4, status: { resize: resize('CheckpointRequested') }, reading: undefined },
      phase: 'Stopping',
    },
    'asks workers of which this process has read nothing yet': {
      given: {
        ...wants4,
        status: { resize: resize('CheckpointRequested') },
        reading: undefined,
        view: { metricsAreRead: false },
      },
      moves: ['tuning 4: 128×1×2'],
      phase: 'CheckpointRequested',
    },
    'is given up when no checkpoint is written': {
      given: {
        ...wants4,
        status: { resize: resize('CheckpointRequested', { phaseStartedAt: ago(121) }) },
        tuning: aTuning({ checkpointRequest: 1 }),
      },
      phase: undefined,
      says: ['Rescaling=False/CheckpointTimedOut'],
      events: ['CheckpointTimedOut', 'RescaleGivenUp'],
    },
    'suspends the workload, then waits for the last pod': {
      given: { ...wants4, status: { resize: resize('Stopping') } },
      moves: ['suspend'],
      phase: 'Stopping',
    },
    'starts the new size when all are gone': {
      given: { ...wants4, status: { resize: resize('Stopping') }, workers: 0, suspended: true },
      phase: 'Starting',
    },
    'starts the new size when somebody deleted the workload meanwhile': {
      given: { ...wants4, status: { resize: resize('Stopping') }, workers: 0, view: { workerJob: undefined } },
      phase: 'Starting',
    },
    'writes the file before the first new worker starts': {
      given: { ...wants4, status: { resize: resize('Starting') }, workers: 0, suspended: true },
      moves: ['tuning 4: 64×1×4', 'size 4'],
      phase: 'Starting',
    },
    'makes a workload anew that somebody deleted': {
      given: {
        ...wants4,
        status: { resize: resize('Starting') },
        workers: 0,
        tuning: aTuning({ microBatchSize: 64, dataParallelSize: 4 }),
        view: { workerJob: undefined },
      },
      moves: ['create 4'],
      phase: 'Starting',
    },
    'ends when all ranks make steps with the new tuning': {
      given: {
        ...wants4,
        status: { resize: resize('Starting', { stoppedAt: ago(20) }) },
        workers: 4,
        tuning: aTuning({ microBatchSize: 64, dataParallelSize: 4 }),
      },
      phase: undefined,
      events: ['ScaledUp'],
      says: ['Rescaling=False/NotRescaling'],
      status: (status) => expect(status.restartSeconds?.value, 'from stop to the reading').to.equal('19'),
    },
    'does not end on a reading from before the stop': {
      given: {
        ...wants4,
        status: { resize: resize('Starting', { stoppedAt: ago(20) }) },
        workers: 4,
        tuning: aTuning({ microBatchSize: 64, dataParallelSize: 4 }),
        reading: { observedAt: Date.UTC(2026, 0, 1) / 1000 - 25 },
      },
      phase: 'Starting',
    },
    'goes back when the new workers find no place': {
      given: {
        ...wants4,
        status: { resize: resize('Starting', { phaseStartedAt: ago(1501) }) },
        workers: 4,
        ready: 2,
        tuning: aTuning({ microBatchSize: 64, dataParallelSize: 4 }),
        view: { unscheduledPods: 2 },
      },
      phase: 'Stopping',
      events: ['RescaleRolledBack'],
      status: (status) => expect(status.resize?.to.replicas).to.equal(2),
    },
    'downwards waits for no nodes': {
      given: {
        job: { spec: { replicas: 1 } },
        status: { resize: resize('WaitingForCapacity', down) },
        view: { reachableGpus: 2 },
      },
      phase: 'CheckpointRequested',
    },
    'downwards ends in fewer workers': {
      given: {
        job: { spec: { replicas: 1 } },
        status: { resize: resize('Starting', { ...down, stoppedAt: ago(20) }) },
        workers: 1,
        tuning: aTuning({ dataParallelSize: 1, gradientAccumulationSteps: 2 }),
      },
      phase: undefined,
      events: ['ScaledDown'],
    },
  });
});

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
