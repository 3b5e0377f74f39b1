import { expect } from 'chai';
import fc from 'fast-check';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { LeaderElector, type Lease } from '../../../src/kube/leader-election.ts';
import { MemoryCluster } from '../../support/memory-cluster.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const KEY = 'system/operator';
const unreachable = () => new KubeError({ reason: 'ConnectionFailed', message: 'partition' });

function aCandidate(cluster: MemoryCluster, clock: VirtualClock, identity: string) {
  const client = cluster.client();
  const partition = { cut: false, answerLost: false };
  // Every call of this candidate goes through its own network.
  const through =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    async (...args: A) => {
      if (partition.cut) throw unreachable();
      const answer = await call(...args);
      if (partition.answerLost) throw unreachable();
      return answer;
    };
  const elector = new LeaderElector({
    client: {
      ...client,
      get: through(client.get) as typeof client.get,
      create: through(client.create) as typeof client.create,
      replace: through(client.replace) as typeof client.replace,
    },
    namespace: 'system',
    name: 'operator',
    identity,
    clock,
    random: () => 0.5,
  });
  const stop = new AbortController();
  const state = { leading: false, result: '', dead: false };
  const start = () =>
    elector
      .run(stop.signal, async (leading) => {
        state.leading = true;
        await new Promise<void>((resolve) => {
          leading.addEventListener('abort', () => resolve(), { once: true });
          stop.signal.addEventListener('abort', () => resolve(), { once: true });
        });
        state.leading = false;
      })
      .then((result) => {
        state.result = result;
      });
  return { elector, stop, state, partition, start };
}

const leaseIn = (cluster: MemoryCluster) => cluster.objects()[0] as Lease;

describe('LeaderElector', () => {
  it('creates the lease with six decimals and renews it', async () => {
    const [cluster, clock] = [new MemoryCluster(), new VirtualClock()];
    const one = aCandidate(cluster, clock, 'one');
    const running = one.start();
    await clock.advance(0.1);
    const first = leaseIn(cluster).spec;
    expect(first?.holderIdentity).to.equal('one');
    expect(first?.renewTime).to.match(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
    expect(first?.leaseTransitions).to.equal(0);
    await clock.advance(60);
    expect(one.elector.isLeader).to.equal(true);
    expect(leaseIn(cluster).spec?.acquireTime).to.equal(first?.acquireTime);
    expect(leaseIn(cluster).spec?.renewTime).not.to.equal(first?.renewTime);
    one.stop.abort();
    await running;
    expect(one.state.result).to.equal('stopped');
  });

  it('hands over at once when it stops', async () => {
    const [cluster, clock] = [new MemoryCluster(), new VirtualClock()];
    const [one, two] = [aCandidate(cluster, clock, 'one'), aCandidate(cluster, clock, 'two')];
    const running = [one.start(), clock.advance(0.1).then(two.start)];
    await clock.advance(30);
    expect(two.state.leading).to.equal(false);
    one.stop.abort();
    await clock.advance(2.5);
    expect(two.state.leading).to.equal(true);
    expect(leaseIn(cluster).spec?.leaseTransitions).to.equal(1);
    two.stop.abort();
    await clock.advance(1);
    await Promise.all(running);
    expect(leaseIn(cluster).spec?.holderIdentity).to.equal('');
  });

  it('gives up leadership before another can take it when it is cut off', async () => {
    const [cluster, clock] = [new MemoryCluster(), new VirtualClock()];
    const [one, two] = [aCandidate(cluster, clock, 'one'), aCandidate(cluster, clock, 'two')];
    void one.start();
    await clock.advance(0.1);
    void two.start();
    await clock.advance(30);
    one.partition.cut = true;
    await clock.advance(10.1);
    expect(one.state.leading).to.equal(false);
    expect(one.elector.isLeader).to.equal(false);
    expect(one.state.result).to.equal('lost');
    expect(two.state.leading).to.equal(false);
    await clock.advance(7.5);
    expect(two.state.leading).to.equal(true);
    two.stop.abort();
    await clock.advance(1);
  });

  it('stays leader through a few failed renewals, even when the answers to successful writes are lost', async () => {
    const [cluster, clock] = [new MemoryCluster(), new VirtualClock()];
    const one = aCandidate(cluster, clock, 'one');
    void one.start();
    await clock.advance(10);
    one.partition.answerLost = true;
    await clock.advance(7);
    one.partition.answerLost = false;
    await clock.advance(30);
    expect(one.state.leading).to.equal(true);
    one.stop.abort();
    await clock.advance(1);
  });

  it('is lost at once when another identity holds the lease', async () => {
    const [cluster, clock] = [new MemoryCluster(), new VirtualClock()];
    const one = aCandidate(cluster, clock, 'one');
    void one.start();
    await clock.advance(5);
    const lease = leaseIn(cluster);
    cluster.put({ ...lease, spec: { ...lease.spec, holderIdentity: 'usurper' } } as Lease);
    await clock.advance(2.1);
    expect(one.state.result).to.equal('lost');
  });

  it('makes the lease anew when someone deletes it', async () => {
    const [cluster, clock] = [new MemoryCluster(), new VirtualClock()];
    const one = aCandidate(cluster, clock, 'one');
    void one.start();
    await clock.advance(5);
    cluster.remove(KEY);
    await clock.advance(10);
    expect(one.state.leading).to.equal(true);
    expect(leaseIn(cluster).spec?.holderIdentity).to.equal('one');
    one.stop.abort();
    await clock.advance(1);
  });

  it('refuses times that leave no margin', () => {
    const options = { client: new MemoryCluster().client(), namespace: 'n', name: 'x', identity: 'y' };
    expect(() => new LeaderElector({ ...options, leaseSeconds: 10, renewDeadlineSeconds: 10 })).to.throw(
      'leaseSeconds',
    );
  });

  it('never has two leaders, whatever is cut off when', async () => {
    const step = fc.record({
      candidate: fc.integer({ min: 0, max: 2 }),
      cut: fc.boolean(),
      answerLost: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 12 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 15, size: 'max' }), async (steps) => {
        const [cluster, clock] = [new MemoryCluster(), new VirtualClock()];
        const candidates = ['one', 'two', 'three'].map((identity) => aCandidate(cluster, clock, identity));
        for (const candidate of candidates) void candidate.start();
        for (const { candidate, cut, answerLost, seconds } of steps) {
          Object.assign(candidates[candidate]?.partition ?? {}, { cut, answerLost });
          for (let tick = 0; tick < seconds * 2; tick++) {
            await clock.advance(0.5);
            expect(candidates.filter(({ state }) => state.leading).length).to.be.lessThan(2);
            expect(candidates.filter(({ elector }) => elector.isLeader).length).to.be.lessThan(2);
          }
        }
        for (const { stop } of candidates) stop.abort();
        await clock.advance(20);
      }),
      { numRuns: 25 },
    );
    await settle();
  });
});
