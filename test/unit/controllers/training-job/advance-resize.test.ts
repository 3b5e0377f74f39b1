import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { ago, aTuning } from '../../../support/a-job-view.ts';
import { batch, inFlight, resizeTo, runs } from '../../../support/advance-story.ts';

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
    'gives new workers that run out of memory smaller passes of the same batch': {
      given: {
        ...wants4,
        status: { resize: resize('Starting', { stoppedAt: ago(20) }), batch },
        workers: 4,
        tuning: aTuning({ microBatchSize: 64, dataParallelSize: 4 }),
        reading: { configVersion: 0, rejectedVersion: 3, rejectionReason: 'out_of_memory' },
      },
      moves: ['tuning 4: 32×2×4'],
      phase: 'Starting',
      events: ['BatchRolledBack'],
      status: (status) => {
        expect(status.batch?.microBatchSizeCeiling).to.equal(51);
        expect(status.resize?.to).to.include({ microBatchSize: 32, gradientAccumulationSteps: 2 });
      },
    },
    'goes back when the new workers refuse for another reason': {
      given: {
        ...wants4,
        status: { resize: resize('Starting', { stoppedAt: ago(20) }) },
        workers: 4,
        tuning: aTuning({ microBatchSize: 64, dataParallelSize: 4 }),
        reading: { configVersion: 0, rejectedVersion: 3, rejectionReason: 'unsupported' },
      },
      phase: 'Stopping',
      events: ['RescaleRolledBack'],
      status: (status) => expect(status.resize?.to.replicas).to.equal(2),
    },
    'waits while ranks of the new size are still missing': {
      given: {
        ...wants4,
        status: { resize: resize('Starting', { stoppedAt: ago(20) }) },
        workers: 4,
        tuning: aTuning({ microBatchSize: 64, dataParallelSize: 4 }),
        reading: { configVersion: 0, rejectedVersion: 3, rejectionReason: 'world_size' },
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
