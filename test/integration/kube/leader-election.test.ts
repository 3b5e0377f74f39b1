import { fork } from 'node:child_process';
import path from 'node:path';
import { expect } from 'chai';
import { connect } from '../../../src/kube/connect.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { LEASES, LeaderElector } from '../../../src/kube/leader-election.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { aNamespace, until } from './fixtures.ts';

/** A fifth of the default times, so that a takeover takes 3 s and not 15. */
const TIMES = { leaseSeconds: 3, renewDeadlineSeconds: 2, retrySeconds: 0.4 };
const PROCESS_LEASE_SECONDS = Number(process.env['STEPWISE_TEST_LEASE_SECONDS'] ?? 3);

interface Candidate {
  readonly elector: LeaderElector;
  readonly proxy: FaultProxy;
  readonly stop: AbortController;
  readonly ended: Promise<string>;
  /** Spans of leadership in milliseconds; the last may be open. */
  readonly spans: Array<{ from: number; to?: number }>;
}

describe('LeaderElector against a real API server', () => {
  let client: KubeClient;
  let namespace: string;
  let kubeconfigPath: string;
  const candidates: Candidate[] = [];

  before(async function () {
    this.timeout(120_000);
    ({ client, namespace, kubeconfigPath } = await aNamespace());
  });

  afterEach(async () => {
    for (const { stop, proxy } of candidates) {
      stop.abort();
      proxy.thaw();
    }
    await Promise.all(candidates.map(({ ended }) => ended));
    await Promise.all(candidates.map(({ proxy }) => proxy.close()));
    candidates.length = 0;
  });

  const aCandidate = async (name: string, identity: string): Promise<Candidate> => {
    const proxy = await startFaultProxy({ kubeconfigPath });
    const own = connect({ kubeconfigPath: proxy.kubeconfigPath, requestTimeoutSeconds: 5 });
    const elector = new LeaderElector({ client: own, namespace, name, identity, ...TIMES });
    const stop = new AbortController();
    const spans: Candidate['spans'] = [];
    const ended = elector.run(stop.signal, async (leading) => {
      const span: { from: number; to?: number } = { from: performance.now() };
      spans.push(span);
      await new Promise<void>((resolve) => {
        for (const signal of [leading, stop.signal]) signal.addEventListener('abort', () => resolve(), { once: true });
      });
      span.to = performance.now();
    });
    const candidate = { elector, proxy, stop, ended, spans };
    candidates.push(candidate);
    return candidate;
  };

  const aPair = async (name: string) => {
    const one = await aCandidate(name, 'one');
    await until('one leads', () => one.spans.length === 1);
    const two = await aCandidate(name, 'two');
    await until('two has seen the lease', () => two.elector.holder === 'one');
    return { one, two };
  };

  it('hands over within a retry when the leader stops', async () => {
    const { one, two } = await aPair('graceful');
    one.stop.abort();
    const seconds = await until('two leads', () => two.spans.length === 1, 5);
    console.log(
      `      takeover after a graceful stop: ${seconds.toFixed(2)} s with a retry of ${TIMES.retrySeconds} s`,
    );
    expect(await one.ended).to.equal('stopped');
    expect(seconds).to.be.lessThan(TIMES.retrySeconds * 1.2 + 0.5);
    const lease = await client.get(LEASES, { name: 'graceful', namespace });
    expect(lease?.spec).to.include({ holderIdentity: 'two', leaseTransitions: 1, leaseDurationSeconds: 3 });
  });

  it('takes over from a leader whose process was killed, after the lease ran out', async function () {
    this.timeout(60_000);
    const start = () => {
      const script = path.join(import.meta.dirname, 'leader-process.ts');
      const child = fork(script, [kubeconfigPath, namespace, 'killed', String(PROCESS_LEASE_SECONDS)]);
      const heard: unknown[] = [];
      child.on('message', (message) => heard.push(message));
      return { child, heard, leads: () => heard.includes('leading') };
    };
    const one = start();
    await until('one leads', one.leads, 15);
    const two = start();
    // Long enough for two to start and see the lease at least once.
    await new Promise((resolve) => setTimeout(resolve, 2500));
    expect(two.leads()).to.equal(false);
    one.child.kill('SIGKILL');
    const seconds = await until('two leads', two.leads, PROCESS_LEASE_SECONDS * 2);
    console.log(`      takeover after SIGKILL: ${seconds.toFixed(2)} s with a lease of ${PROCESS_LEASE_SECONDS} s`);
    const retry = (PROCESS_LEASE_SECONDS * 2) / 15;
    expect(seconds).to.be.within(PROCESS_LEASE_SECONDS - 2 * retry, PROCESS_LEASE_SECONDS + 2 * retry);
    two.child.kill('SIGTERM');
    await until('two ends', () => two.heard.includes('stopped'), 5);
    expect((await client.get(LEASES, { name: 'killed', namespace }))?.spec?.holderIdentity ?? '').to.equal('');
  });

  it('never has two leaders under partitions that come and go', async function () {
    this.timeout(60_000);
    const { one, two } = await aPair('partitioned');
    const three = await aCandidate('partitioned', 'three');
    const all = [one, two, three];
    const leaders = () => all.filter(({ elector }) => elector.isLeader).length;
    let most = 0;
    const watching = setInterval(() => {
      most = Math.max(most, leaders());
    }, 5);
    for (const kind of ['freeze', 'reset'] as const) {
      const leader = all.find(({ elector }) => elector.isLeader);
      const changes = all.flatMap(({ spans }) => spans).length;
      if (kind === 'freeze') leader?.proxy.freeze();
      else leader?.proxy.inject({ kind: 'reset' }, { times: 10_000 });
      await until('another leads', () => all.flatMap(({ spans }) => spans).length > changes, 15);
      expect(await leader?.ended).to.equal('lost');
      leader?.proxy.thaw();
    }
    clearInterval(watching);
    expect(most).to.equal(1);
    const spans = all.flatMap((candidate) => candidate.spans).sort((a, b) => a.from - b.from);
    const gaps = spans.slice(1).map((span, index) => span.from - (spans[index]?.to ?? Number.POSITIVE_INFINITY));
    console.log(
      `      time without a leader between terms: ${gaps.map((gap) => (gap / 1000).toFixed(2)).join(', ')} s`,
    );
    for (const gap of gaps) expect(gap).to.be.greaterThan(0);
  });
});
