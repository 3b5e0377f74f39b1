import { expect } from 'chai';
import { ago, type ViewParts } from '../../../support/a-job-view.ts';
import { batch, inFlight, lastGood, reload, runs, type Story } from '../../../support/advance-story.ts';

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
