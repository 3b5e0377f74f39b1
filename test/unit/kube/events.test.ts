import { expect } from 'chai';
import { EventRecorder, type KubeEvent, referenceTo } from '../../../src/kube/events.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { noMetrics } from '../../../src/kube/kube-metrics.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const job = (name: string) => ({
  apiVersion: 'v1',
  kind: 'Job',
  metadata: { name, namespace: 'n', uid: `uid-${name}` },
});

function aRecorder() {
  const clock = new VirtualClock();
  const created: KubeEvent[] = [];
  const patched: object[] = [];
  const outcomes: string[] = [];
  const faults: unknown[] = [];
  const fail = () => {
    if (faults.length > 0) throw faults.shift();
  };
  const client = {
    create: async (_: unknown, event: KubeEvent) => {
      fail();
      created.push(event);
      return event;
    },
    mergePatch: async (_: unknown, __: unknown, patch: object) => {
      fail();
      patched.push(patch);
    },
  } as unknown as KubeClient;
  const recorder = new EventRecorder({
    client,
    reportingController: 'example.dev/operator',
    reportingInstance: 'pod-1',
    clock,
    metrics: { ...noMetrics, eventRecorded: ({ outcome }) => outcomes.push(outcome) },
  });
  return { clock, created, patched, outcomes, faults, recorder };
}

describe('EventRecorder', () => {
  it('creates an event with all that the server asks for', async () => {
    const it = aRecorder();
    it.recorder.record({ regarding: job('a'), reason: 'PlanHeld', action: 'Plan', message: 'too early' });
    await it.recorder.flush();
    const [event] = it.created;
    expect(event?.metadata.namespace).to.equal('n');
    expect(event?.eventTime).to.match(/\.\d{6}Z$/);
    expect(event?.regarding).to.include({ kind: 'Job', name: 'a', uid: 'uid-a' });
    expect(event).to.include({ action: 'Plan', note: 'too early', type: 'Normal', reportingInstance: 'pod-1' });
  });

  it('counts repetitions on the first event with few writes, and begins anew after six minutes', async () => {
    const it = aRecorder();
    for (let count = 0; count < 1000; count++) {
      it.recorder.record({ regarding: job('a'), reason: 'PlanHeld', message: 'same' });
      await settle();
    }
    await it.recorder.flush();
    expect(it.created.length).to.equal(1);
    expect(it.patched.length).to.be.within(9, 12);
    expect(it.patched.at(-1)).to.have.nested.property('series.count', 1000);
    await it.clock.advance(361);
    it.recorder.record({ regarding: job('a'), reason: 'PlanHeld', message: 'same' });
    await it.recorder.flush();
    expect(it.created.length).to.equal(2);
  });

  it('makes the event anew when the server has forgotten it', async () => {
    const it = aRecorder();
    it.recorder.record({ regarding: job('a'), reason: 'X', message: 'm' });
    await settle();
    it.faults.push(new KubeError({ status: 404, reason: 'NotFound', message: 'gone' }));
    it.recorder.record({ regarding: job('a'), reason: 'X', message: 'm' });
    await it.recorder.flush();
    expect(it.created.map(({ series }) => series?.count)).to.deep.equal([undefined, 2]);
  });

  it('drops a flood of different messages about one object and reason, and no other', async () => {
    const it = aRecorder();
    for (let count = 0; count < 100; count++) {
      it.recorder.record({ regarding: job('a'), reason: 'Noisy', message: `${count}` });
      await settle();
    }
    it.recorder.record({ regarding: job('b'), reason: 'Noisy', message: 'x' });
    await it.recorder.flush();
    expect(it.created.filter(({ regarding }) => regarding.name === 'a').length).to.equal(10);
    expect(it.created.filter(({ regarding }) => regarding.name === 'b').length).to.equal(1);
    expect(it.outcomes.filter((outcome) => outcome === 'dropped').length).to.equal(90);
    await it.clock.advance(301);
    it.recorder.record({ regarding: job('a'), reason: 'Noisy', message: 'later' });
    await it.recorder.flush();
    expect(it.created.at(-1)?.note).to.equal('later');
  });

  it('keeps at most 500 waiting while the server is slow', async () => {
    const it = aRecorder();
    for (let count = 0; count < 700; count++) {
      it.recorder.record({ regarding: job(`job-${count}`), reason: 'X', message: 'm' });
    }
    await it.recorder.flush();
    expect(it.created.length).to.be.within(500, 501);
    expect(it.outcomes.filter((outcome) => outcome === 'dropped').length).to.be.within(199, 200);
  });

  it('never throws, neither on a failing server nor on an object without kind, and flush tells again', async () => {
    const it = aRecorder();
    it.faults.push(new Error('no network'));
    it.recorder.record({ regarding: job('a'), reason: 'X', message: 'm' });
    it.recorder.record({ regarding: { metadata: { name: 'b' } }, reason: 'X', message: 'm' });
    await it.recorder.flush();
    expect(it.outcomes).to.deep.equal(['failed', 'failed', 'created']);
    expect(() => referenceTo({ metadata: { name: 'b' } })).to.throw('b has no apiVersion and kind');
  });

  it('cuts a long message at 1024 bytes between characters', async () => {
    const it = aRecorder();
    it.recorder.record({ regarding: job('a'), reason: 'X', message: '€'.repeat(500) });
    await it.recorder.flush();
    const note = it.created[0]?.note ?? '';
    expect(Buffer.byteLength(note)).to.be.within(1020, 1024);
    expect(note).to.match(/^€+…$/);
  });
});
