import { expect } from 'chai';
import { SnapshotReceiver, SnapshotSender } from '../../../../src/adapters/planner/snapshot-transfer.ts';
import { type Evidence, NO_EVIDENCE } from '../../../../src/core/estimate/evidence.ts';
import type { Snapshot } from '../../../../src/core/snapshot.ts';
import { aJob, aPool, evidenceOf, NOW } from '../../../support/a-job.ts';

const layout = (microBatchSize: number) => ({ dataParallelSize: 1, microBatchSize, gradientAccumulationSteps: 1 });
const evidence = evidenceOf({
  overheadSeconds: 0.1,
  secondsPerSample: 0.001,
  gradientNoiseScale: 900,
  timed: [layout(16)],
});
const snapshotOf = (of: Readonly<Record<string, Evidence>>, now = NOW): Snapshot => ({
  now,
  jobs: Object.entries(of).map(([key, each]) => aJob({ key, evidence: each })),
  pools: [aPool()],
});

describe('snapshots between threads', () => {
  let sender: SnapshotSender;
  let receiver: SnapshotReceiver;
  beforeEach(() => {
    sender = new SnapshotSender();
    receiver = new SnapshotReceiver();
  });
  const send = (snapshot: Snapshot) => receiver.snapshotOf(structuredClone(sender.messageFor(snapshot)));
  const evidenceIn = (snapshot: Snapshot, key: string) => snapshot.jobs.find((job) => job.key === key)?.evidence;

  it('arrive as they were sent, whatever changed in between', () => {
    const later = { ...evidence, cleanReadings: evidence.cleanReadings + 1, changedAt: NOW };
    const back = { ...later, changedAt: undefined, last: undefined };
    for (const each of [{ a: evidence }, { a: later, b: evidence }, { b: evidence, a: back }, {}, { a: NO_EVIDENCE }]) {
      const snapshot = snapshotOf(each);
      expect(send(snapshot)).to.deep.equal(snapshot);
    }
  });

  it('bring the nodes, too, by which jobs are moved together', () => {
    const node = { pool: 'pool', name: 'node-1', foreignGpus: 0, held: [{ key: 'a', gpus: 1 }] };
    expect(send({ ...snapshotOf({ a: evidence }), nodes: [node] }).nodes).to.deep.equal([node]);
  });

  it('bring the same object for evidence that is the same, so that what was judged of it still holds', () => {
    const first = evidenceIn(send(snapshotOf({ a: evidence })), 'a');
    expect(evidenceIn(send(snapshotOf({ a: evidence }, NOW + 30)), 'a')).to.equal(first);
    const changed = send(snapshotOf({ a: { ...evidence, cleanReadings: 99 } }, NOW + 60));
    expect(evidenceIn(changed, 'a')).not.to.equal(first);
  });

  it('carry only the parts that changed', () => {
    send(snapshotOf({ a: evidence, b: evidence }));
    const { jobs } = sender.messageFor(snapshotOf({ a: { ...evidence, cleanReadings: 99 }, b: evidence }));
    expect(jobs.map(({ changes }) => changes)).to.deep.equal([{ cleanReadings: 99 }, undefined]);
  });

  it('carry all of a job that was gone', () => {
    send(snapshotOf({ a: evidence }));
    send(snapshotOf({}));
    expect(evidenceIn(send(snapshotOf({ a: evidence })), 'a')).to.deep.equal(evidence);
  });
});
