import { expect } from 'chai';
import type { EnergySourceStatus } from '../../../../src/api/energy-source.ts';
import { EnergyMemory, isStale, shiftingPays } from '../../../../src/controllers/energy-source/energy-memory.ts';
import { EnergySourceReconciler } from '../../../../src/controllers/energy-source/reconciler.ts';
import type { ConfigMap, EnergySourceObject, Secret } from '../../../../src/controllers/kinds.ts';
import type { SignalSlot } from '../../../../src/core/forecast/signal-slot.ts';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { SignalError, type SignalQuestion } from '../../../../src/ports/energy-signals.ts';
import { aClusterView } from '../../../support/a-cluster-view.ts';
import { anEnergySource } from '../../../support/an-energy-source.ts';

const HOUR = 3600;
const START = Date.parse('2026-03-02T10:20:00Z') / 1000;
const daily = (from: number): number => (Math.floor(from / HOUR) % 24 < 8 ? 100 : 400);
const hours = (since: number, until: number, valueAt = daily): SignalSlot[] =>
  Array.from({ length: Math.floor((until - since) / HOUR) }, (_, index) => {
    const from = Math.floor(since / HOUR) * HOUR + index * HOUR;
    return { from, to: from + HOUR, value: valueAt(from) };
  });

/** A reconciler of one source over a server that stores what it writes; lives share the server. */
function aWorld(first: EnergySourceObject = anEnergySource()) {
  const server = {
    source: first,
    series: undefined as ConfigMap | undefined,
    secret: undefined as Secret | undefined,
    statusWrites: 0,
  };
  const clock = { now: START };
  const asked: SignalQuestion[] = [];
  const world = { pending: undefined as Promise<void> | undefined };
  let provider: (question: SignalQuestion) => readonly SignalSlot[] = ({ since, now }) => hours(since, now + 24 * HOUR);
  const client = {
    get: async ({ kind }: { kind: string }) => (kind === 'Secret' ? server.secret : server.series),
    apply: async (_: unknown, object: ConfigMap) => {
      server.series = structuredClone(object);
      return object;
    },
    applyStatus: async (_: unknown, { status }: { status: EnergySourceStatus }) => {
      server.statusWrites++;
      const metadata = { ...server.source.metadata, resourceVersion: String(server.statusWrites + 1) };
      server.source = { ...server.source, metadata, status };
      return server.source;
    },
  } as unknown as KubeClient;
  const begin = () => {
    const memory = new EnergyMemory();
    const live = { cluster: aClusterView({ energySources: [server.source] }) };
    const reconciler = new EnergySourceReconciler({
      client,
      get cluster() {
        return live.cluster;
      },
      memory,
      namespace: 'stepwise-system',
      nowSeconds: () => clock.now,
      monotonicSeconds: () => clock.now,
      signals: {
        read: async (question) => {
          asked.push(question);
          await world.pending;
          return provider(question);
        },
      },
    });
    const reconcile = async () => {
      live.cluster = aClusterView({ energySources: [server.source] });
      return reconciler.reconcile(first.metadata.name, new AbortController().signal);
    };
    return { memory, reconcile };
  };
  const condition = (type: string) => server.source.status?.conditions?.find((each) => each.type === type);
  return {
    server,
    clock,
    asked,
    begin,
    condition,
    /** Until what it returns is called, the provider says nothing. */
    hang: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      world.pending = promise;
      return resolve;
    },
    answer: (next: typeof provider) => {
      provider = next;
    },
  };
}

const fails = (problem: SignalError['problem'], retryAfterSeconds?: number) => () => {
  throw new SignalError(problem, `it is ${problem}`, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
};

describe('the reconciler of energy sources', () => {
  it('reads, forecasts and tells', async () => {
    const world = aWorld();
    const { memory, reconcile } = world.begin();
    const { requeueAfterSeconds = 0 } = await reconcile();
    expect(requeueAfterSeconds).to.be.within(1, 1800);
    const { status } = world.server.source;
    expect(status?.current).to.include({ value: '400', from: '2026-03-02T10:00:00Z', to: '2026-03-02T11:00:00Z' });
    expect(status).to.include({
      unit: 'gCO2e/kWh',
      lastReadTime: '2026-03-02T10:20:00Z',
      nextReadTime: '2026-03-02T10:50:00Z',
    });
    expect(status?.expectedGainPercent).to.equal(67);
    expect(world.condition('Ready')).to.include({ status: 'True' });
    expect(world.condition('ShiftingPays')).to.include({ status: 'True', reason: 'Worthwhile' });
    expect(memory.get('carbon')?.forecast.hours).to.have.length(168);
    expect(world.asked[0]?.since, 'all that makes a forecast').to.equal(START - 28 * 86_400);
  });

  it('asks no more often than the spec says, whatever it is woken for', async () => {
    const world = aWorld();
    const { reconcile } = world.begin();
    for (let look = 0; look < 60; look++) {
      await reconcile();
      world.clock.now += 60;
    }
    expect(world.asked).to.have.length(2);
    expect(world.server.statusWrites).to.be.at.most(4);
    expect(world.asked[1]?.since, 'only what may have been corrected').to.be.closeTo(START + 1800 - 86_400, 60);
  });

  it('begins a new life with the series of the last one, without asking more of the past', async () => {
    const world = aWorld();
    await world.begin().reconcile();
    world.clock.now += 300;
    world.answer(fails('Unreachable'));
    const { memory, reconcile } = world.begin();
    await reconcile();
    expect(memory.get('carbon')?.forecast.hours).to.have.length(168);
    expect(world.condition('Ready')).to.include({ status: 'True' });
    expect(world.condition('ProviderAvailable')).to.include({ status: 'False', reason: 'Unreachable' });
    expect(world.server.series?.metadata.ownerReferences?.[0]).to.include({
      kind: 'EnergySource',
      uid: 'uid-of-carbon',
    });
  });

  it('tells a new life what the last one knew while its provider hangs', async () => {
    const world = aWorld();
    await world.begin().reconcile();
    world.clock.now += 300;
    const answer = world.hang();
    const { memory, reconcile } = world.begin();
    const reconciled = reconcile();
    await new Promise((resolve) => setImmediate(resolve));
    expect(world.asked, 'it is being asked').to.have.length(2);
    expect(memory.get('carbon')?.forecast.hours).to.have.length(168);
    answer();
    await reconciled;
  });

  it('holds what it knows through an outage until that is stale, and recovers by itself', async () => {
    const world = aWorld();
    const { memory, reconcile } = world.begin();
    await reconcile();
    world.answer(fails('Unreachable'));
    const until = START + 23 * HOUR;
    while (world.clock.now < until) {
      const { requeueAfterSeconds = 0 } = await reconcile();
      world.clock.now += Math.max(60, requeueAfterSeconds);
      expect(isStale(memory.get('carbon')!, Math.min(world.clock.now, until))).to.equal(false);
    }
    world.clock.now = START + 27 * HOUR;
    await reconcile();
    expect(world.condition('Ready')).to.include({ status: 'False', reason: 'Stale' });
    expect(world.server.source.status?.lastError?.failures).to.be.greaterThan(10);
    world.answer(({ since, now }) => hours(since, now + 24 * HOUR));
    world.clock.now += 1800;
    await reconcile();
    expect(world.condition('Ready')).to.include({ status: 'True' });
    expect(world.server.source.status?.lastError).to.equal(undefined);
  });

  it('waits as long as a provider asks for', async () => {
    const world = aWorld();
    const { reconcile } = world.begin();
    world.answer(fails('Throttled', 700));
    await reconcile();
    for (const [after, want] of [
      [600, 1],
      [701, 2],
    ] as const) {
      world.clock.now = START + after;
      await reconcile();
      expect(world.asked).to.have.length(want);
    }
  });

  it('tries a changed spec at once', async () => {
    const world = aWorld();
    const { reconcile } = world.begin();
    world.answer(fails('Misconfigured'));
    await reconcile();
    const { metadata } = world.server.source;
    world.server.source = {
      ...anEnergySource({ spec: { refreshSeconds: 600 } }),
      metadata: { ...metadata, generation: 2, resourceVersion: '99' },
    };
    await reconcile();
    expect(world.asked).to.have.length(2);
  });

  for (const [name, value] of Object.entries({ 'below zero': -50, 'without end': 1e9 })) {
    it(`does not take in a carbon intensity ${name}`, async () => {
      const world = aWorld();
      const { memory, reconcile } = world.begin();
      await reconcile();
      const before = memory.get('carbon')?.forecast;
      world.answer(({ since, now }) => hours(since, now + 24 * HOUR, () => value));
      world.clock.now += 1800;
      await reconcile();
      expect(world.condition('ProviderAvailable')).to.include({ status: 'False', reason: 'Implausible' });
      const after = memory.get('carbon')?.forecast;
      expect(after?.hours[10]?.value).to.be.closeTo(before?.hours[10]?.value ?? Number.NaN, 1e-6);
    });
  }

  it('says that nothing is moved on a flat grid', async () => {
    const world = aWorld();
    const { memory, reconcile } = world.begin();
    world.answer(({ since, now }) => hours(since, now + 24 * HOUR, (from) => (daily(from) === 100 ? 300 : 305)));
    await reconcile();
    expect(world.condition('ShiftingPays')).to.include({ status: 'False', reason: 'BelowThreshold' });
    expect(world.condition('ShiftingPays')?.message).to.contain('nothing is moved');
    expect(shiftingPays(memory.get('carbon')!)).to.equal(false);
  });

  it('hands over the keys of the Secret, and says so when there is none', async () => {
    const world = aWorld(anEnergySource({ spec: { credentials: { secretName: 'key' } } }));
    const { reconcile } = world.begin();
    await reconcile();
    expect(world.condition('ProviderAvailable')).to.include({ reason: 'CredentialsMissing' });
    expect(world.condition('ProviderAvailable')?.message).to.contain('stepwise-system/key');
    world.server.secret = { metadata: { name: 'key' }, data: { token: Buffer.from('secret').toString('base64') } };
    world.clock.now += 1800;
    await reconcile();
    expect(world.asked.at(-1)?.credentials).to.deep.equal({ token: 'secret' });
  });

  it('forgets a source that is gone', async () => {
    const world = aWorld();
    const { memory, reconcile } = world.begin();
    await reconcile();
    const { metadata } = world.server.source;
    world.server.source = {
      ...world.server.source,
      metadata: { ...metadata, resourceVersion: '99', deletionTimestamp: '2026-03-02T10:21:00Z' },
    };
    await reconcile();
    expect(memory.get('carbon')).to.equal(undefined);
  });
});
