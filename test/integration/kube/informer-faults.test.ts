import { expect } from 'chai';
import { connect } from '../../../src/kube/connect.ts';
import { Informer } from '../../../src/kube/informer.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { noMetrics } from '../../../src/kube/kube-metrics.ts';
import { type FaultProxy, startFaultProxy } from '../../support/fault-proxy.ts';
import { aNamespace, CONFIG_MAPS, type ConfigMap, until } from './fixtures.ts';

const EXPIRED = { type: 'ERROR', object: { kind: 'Status', code: 410, reason: 'Expired', message: 'too old' } };

interface Scene {
  readonly proxy: FaultProxy;
  readonly informer: Informer<ConfigMap>;
  readonly change: () => Promise<void>;
}

describe('Informer against a real API server through faults', () => {
  let client: KubeClient;
  let namespace: string;
  let proxy: FaultProxy;
  let stop: AbortController;
  let running: Promise<void>;
  let informer: Informer<ConfigMap>;
  let restarts: string[];
  let value = 0;

  before(async function () {
    this.timeout(120_000);
    ({ client, namespace } = await aNamespace());
  });

  beforeEach(async () => {
    const { kubeconfigPath } = await aNamespace();
    proxy = await startFaultProxy({ kubeconfigPath });
    restarts = [];
    informer = new Informer<ConfigMap>({
      client: connect({ kubeconfigPath: proxy.kubeconfigPath, requestTimeoutSeconds: 2 }),
      resource: CONFIG_MAPS,
      namespace,
      silenceSeconds: 3,
      backoff: { baseSeconds: 0.05, maxSeconds: 1 },
      metrics: { ...noMetrics, watchRestarted: ({ cause }) => restarts.push(cause) },
    });
    for (const name of ['kept', 'changed', 'removed']) await put(name);
    stop = new AbortController();
    running = informer.run(stop.signal);
    await informer.synced;
    await until('a watch is open', () => proxy.seen.watches === 1);
  });

  afterEach(async () => {
    stop.abort();
    await running;
    await proxy.close();
  });

  const put = async (name: string) => {
    value += 1;
    const data = { value: String(value) };
    await client.apply(CONFIG_MAPS, { metadata: { name, namespace }, data }, { fieldManager: 'test' });
  };

  /** Every kind of change, among them ones that cannot be told apart without a list: removed and made anew. */
  const change = async () => {
    await put('changed');
    await client.delete(CONFIG_MAPS, { name: 'removed', namespace });
    await client.delete(CONFIG_MAPS, { name: 'kept', namespace });
    await put('kept');
    await put('added');
  };

  const isEqual = async () => {
    const sortOut = (items: readonly ConfigMap[]) =>
      items.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).sort();
    const { items } = await client.list(CONFIG_MAPS, { namespace });
    return JSON.stringify(sortOut(items)) === JSON.stringify(sortOut(informer.list()));
  };

  const faults: Record<
    string,
    { cause: string; maxWatches: number; maxSeconds: number; act(scene: Scene): Promise<void> }
  > = {
    'reset in mid-stream': {
      cause: 'ConnectionFailed',
      maxWatches: 3,
      maxSeconds: 2,
      act: async (scene) => {
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    'ten watches closed at once': {
      cause: 'Closed',
      maxWatches: 30,
      maxSeconds: 15,
      act: async (scene) => {
        scene.proxy.inject({ kind: 'close' }, { times: 10, on: 'watch' });
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    'connections refused before an answer': {
      cause: 'ConnectionFailed',
      maxWatches: 8,
      maxSeconds: 5,
      act: async (scene) => {
        scene.proxy.inject({ kind: 'reset' }, { times: 4 });
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    '410 as an event': {
      cause: 'Expired',
      maxWatches: 3,
      maxSeconds: 2,
      act: async (scene) => {
        scene.proxy.inject({ kind: 'line', line: JSON.stringify(EXPIRED) }, { on: 'watch' });
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    '410 as a status': {
      cause: 'Gone',
      maxWatches: 3,
      maxSeconds: 2,
      act: async (scene) => {
        scene.proxy.inject({ kind: 'status', status: 410, reason: 'Gone' }, { on: 'watch' });
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    '429 with Retry-After': {
      cause: 'TooManyRequests',
      maxWatches: 3,
      maxSeconds: 5,
      act: async (scene) => {
        scene.proxy.inject(
          { kind: 'status', status: 429, reason: 'TooManyRequests', retryAfterSeconds: 2 },
          { on: 'watch' },
        );
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    '500 and 503 on lists and watches': {
      cause: 'InternalError',
      maxWatches: 8,
      maxSeconds: 10,
      act: async (scene) => {
        scene.proxy.inject({ kind: 'status', status: 500, reason: 'InternalError' }, { times: 2 });
        scene.proxy.inject({ kind: 'status', status: 410, reason: 'Gone' });
        scene.proxy.inject({ kind: 'status', status: 503, reason: 'ServiceUnavailable' }, { times: 2 });
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    'a silent half-open connection': {
      cause: 'Silent',
      maxWatches: 4,
      maxSeconds: 8,
      act: async (scene) => {
        scene.proxy.freeze();
        await scene.change();
        scene.proxy.thaw();
      },
    },
    'silence that also swallows new connections for a while': {
      cause: 'Timeout',
      maxWatches: 8,
      maxSeconds: 15,
      act: async (scene) => {
        scene.proxy.freeze();
        await scene.change();
        await new Promise((resolve) => setTimeout(resolve, 6000));
        scene.proxy.thaw();
      },
    },
    'a line that is no JSON': {
      cause: 'UnreadableResponse',
      maxWatches: 3,
      maxSeconds: 2,
      act: async (scene) => {
        scene.proxy.writeIntoWatches('{"type":"MODIFIED","object":{"metad\u0000');
        await scene.change();
      },
    },
    'an answer cut in the middle of an event': {
      cause: 'ConnectionFailed',
      maxWatches: 6,
      maxSeconds: 5,
      act: async (scene) => {
        scene.proxy.inject({ kind: 'truncate', bytes: 300 }, { times: 3, on: 'watch' });
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
    'a slow server': {
      cause: 'ConnectionFailed',
      maxWatches: 3,
      maxSeconds: 5,
      act: async (scene) => {
        scene.proxy.inject({ kind: 'slow', seconds: 1.5 }, { on: 'watch' });
        scene.proxy.resetOpen('watch');
        await scene.change();
      },
    },
  };

  for (const [name, { cause, maxWatches, maxSeconds, act }] of Object.entries(faults)) {
    it(`converges after ${name}`, async function () {
      this.timeout(30_000);
      await act({ proxy, informer, change });
      const seconds = await until('the cache equals the server', isEqual, maxSeconds);
      console.log(
        `      ${seconds.toFixed(2)} s after the changes, ${proxy.seen.watches} watches, ${restarts.join(' ')}`,
      );
      expect(restarts).to.include(cause);
      expect(proxy.seen.watches).to.be.at.most(maxWatches);
      // It follows on, and not only by listing.
      await put('later');
      await until('a later change arrives', isEqual, 5);
    });
  }
});
