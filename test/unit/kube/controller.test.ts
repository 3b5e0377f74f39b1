import { expect } from 'chai';
import { Controller, type Reconcile, TerminalError } from '../../../src/kube/controller.ts';
import { Informer } from '../../../src/kube/informer.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { noMetrics } from '../../../src/kube/kube-metrics.ts';
import { MemoryCluster, THINGS } from '../../support/memory-cluster.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function aController(reconcile: Reconcile, options: { workers?: number; reconcileTimeoutSeconds?: number } = {}) {
  const clock = new VirtualClock();
  const results: string[] = [];
  const errors: string[] = [];
  const controller = new Controller({
    name: 'things',
    reconcile,
    clock,
    random: () => 1,
    backoff: { baseSeconds: 1, maxSeconds: 8 },
    metrics: { ...noMetrics, reconciled: ({ result }) => results.push(result) },
    log: { info: () => undefined, warn: () => undefined, error: (message) => errors.push(message) },
    ...options,
  });
  const stop = new AbortController();
  return { clock, controller, results, errors, stop };
}

describe('Controller', () => {
  it('requeues after the time asked for', async () => {
    const at: number[] = [];
    const it = aController(async () => {
      at.push(it.clock.monotonicSeconds());
      return { requeueAfterSeconds: 30 };
    });
    const running = it.controller.run(it.stop.signal);
    it.controller.enqueue('a');
    await it.clock.advance(65);
    it.stop.abort();
    await running;
    expect(at.map((seconds) => seconds - (at[0] ?? 0))).to.deep.equal([0, 30, 60]);
    expect(it.results).to.deep.equal(['requeueAfter', 'requeueAfter', 'requeueAfter']);
  });

  it('retries failures with backoff and starts afresh after a success', async () => {
    let calls = 0;
    const it = aController(async () => {
      calls += 1;
      if (calls <= 3) throw new Error('not yet');
    });
    const running = it.controller.run(it.stop.signal);
    it.controller.enqueue('a');
    await it.clock.advance(6.9);
    expect(calls).to.equal(3);
    await it.clock.advance(0.2);
    expect(it.results).to.deep.equal(['error', 'error', 'error', 'success']);
    await it.clock.advance(100);
    expect(calls).to.equal(4);
    it.stop.abort();
    await running;
  });

  const failures = {
    'a terminal error is not retried': {
      error: new TerminalError('never'),
      result: 'terminal',
      again: false,
      logged: 1,
    },
    'a conflict is retried without noise': {
      error: new KubeError({ status: 409, reason: 'Conflict', message: 'modified' }),
      result: 'conflict',
      again: true,
      logged: 0,
    },
    'a bug is contained, counted and retried': {
      error: new TypeError('x is undefined'),
      result: 'panic',
      again: true,
      logged: 1,
    },
    'a thrown string is a bug too': { error: 'oops', result: 'panic', again: true, logged: 1 },
  };
  for (const [name, want] of Object.entries(failures)) {
    it(name, async () => {
      const it = aController(() => {
        throw want.error;
      });
      const running = it.controller.run(it.stop.signal);
      it.controller.enqueue('a');
      await it.clock.advance(0.5);
      expect(it.results).to.deep.equal([want.result]);
      expect(it.errors.length).to.equal(want.logged);
      await it.clock.advance(1);
      expect(it.results.length).to.equal(want.again ? 2 : 1);
      it.stop.abort();
      await running;
    });
  }

  it('aborts a reconcile that takes too long, and goes on', async () => {
    const it = aController(
      async (key, signal) => {
        if (key !== 'slow') return;
        await it.clock.sleep(1000, signal);
        signal.throwIfAborted();
      },
      { reconcileTimeoutSeconds: 20 },
    );
    const running = it.controller.run(it.stop.signal);
    it.controller.enqueue('slow');
    it.controller.enqueue('fast');
    await it.clock.advance(20.5);
    expect(it.results).to.deep.equal(['error', 'success']);
    it.stop.abort();
    await running;
  });

  it('finishes what is in work on stop, and begins nothing more', async () => {
    const seen: string[] = [];
    const it = aController(async (key, signal) => {
      await it.clock.sleep(5, signal);
      seen.push(`${key} ${signal.aborted}`);
    });
    const running = it.controller.run(it.stop.signal);
    it.controller.enqueue('a');
    it.controller.enqueue('b');
    await it.clock.advance(1);
    it.stop.abort();
    await it.clock.advance(10);
    await running;
    expect(seen).to.deep.equal(['a false']);
  });

  it('aborts what is in work when leadership is lost', async () => {
    const lost = new AbortController();
    const it = aController(async (_, signal) => {
      await it.clock.sleep(1000, signal);
      signal.throwIfAborted();
    });
    const running = it.controller.run(it.stop.signal, lost.signal);
    it.controller.enqueue('a');
    await it.clock.advance(1);
    lost.abort();
    await running;
    expect(it.results).to.deep.equal(['aborted']);
  });

  it('waits for its informers, then reconciles every object once', async () => {
    const cluster = new MemoryCluster();
    for (const name of ['a', 'b']) cluster.put({ metadata: { name, namespace: 'n' } });
    cluster.listFaults.push(new KubeError({ status: 500, reason: 'InternalError', message: 'no' }));
    const seen: string[] = [];
    const it = aController(async (key) => {
      seen.push(key);
    });
    const informer = new Informer({ client: cluster.client(), resource: THINGS, clock: it.clock, random: () => 1 });
    it.controller.watch(informer);
    const running = Promise.all([it.controller.run(it.stop.signal), informer.run(it.stop.signal)]);
    it.controller.enqueue('n/c');
    await it.clock.advance(0.4);
    expect(seen).to.deep.equal([]);
    await it.clock.advance(1);
    expect(seen.sort()).to.deep.equal(['n/a', 'n/b', 'n/c']);
    it.stop.abort();
    await running;
  });
});
