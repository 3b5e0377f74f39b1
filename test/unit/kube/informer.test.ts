import { expect } from 'chai';
import fc from 'fast-check';
import { Informer, type InformerOptions, type ObjectChange } from '../../../src/kube/informer.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { noMetrics } from '../../../src/kube/kube-metrics.ts';
import { keyOf } from '../../../src/kube/resource.ts';
import { MemoryCluster, THINGS, type Thing } from '../../support/memory-cluster.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

const thing = (name: string, value = 0): Thing => ({ metadata: { name, namespace: 'n' }, value });
const failing = (status: number, retryAfterSeconds?: number) =>
  new KubeError({ status, reason: `Http${status}`, message: 'fault', retryAfterSeconds });
const reset = () => new KubeError({ reason: 'ConnectionFailed', message: 'reset' });

function anInformer(options: Partial<InformerOptions<Thing>> = {}) {
  const cluster = new MemoryCluster();
  const clock = new VirtualClock();
  const restarts: string[] = [];
  const informer = new Informer<Thing>({
    client: cluster.client(),
    resource: THINGS,
    clock,
    random: () => 1,
    metrics: { ...noMetrics, watchRestarted: ({ cause }) => restarts.push(cause) },
    ...options,
  });
  const changes: ObjectChange<Thing>[] = [];
  informer.onChange((change) => changes.push(change));
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  const seen = () => changes.splice(0).map(({ type, object }) => `${type} ${object.metadata.name} ${object.value}`);
  const end = () => {
    stop.abort();
    return running;
  };
  return { cluster, clock, informer, restarts, seen, end, stop, running };
}

const versions = (
  things: readonly { metadata: { uid?: string | undefined; resourceVersion?: string | undefined } }[],
) => things.map(({ metadata }) => `${metadata.uid} ${metadata.resourceVersion}`).sort();

describe('Informer', () => {
  it('lists, follows and reports each change with the old object', async () => {
    const it = anInformer();
    it.cluster.put(thing('a', 1));
    await it.clock.advance(0);
    await it.informer.synced;
    expect(it.seen()).to.deep.equal(['added a 1']);
    it.cluster.put(thing('a', 2));
    it.cluster.put(thing('b', 1));
    it.cluster.remove('n/a');
    await settle();
    expect(it.seen()).to.deep.equal(['updated a 2', 'added b 1', 'deleted a 2']);
    expect(it.informer.list().map(keyOf)).to.deep.equal(['n/b']);
    await it.end();
  });

  it('reports what is cached to a late listener', async () => {
    const it = anInformer();
    it.cluster.put(thing('a', 1));
    await it.clock.advance(0);
    const late: string[] = [];
    const stopListening = it.informer.onChange(({ type, object }) => late.push(`${type} ${object.metadata.name}`));
    expect(late).to.deep.equal(['added a']);
    stopListening();
    it.cluster.put(thing('b'));
    await settle();
    expect(late).to.deep.equal(['added a']);
    await it.end();
  });

  it('freezes what it caches, after transform', async () => {
    const it = anInformer({
      transform: ({ metadata: { managedFields: _, ...metadata }, ...rest }) => ({ ...rest, metadata }),
    });
    it.cluster.put({ ...thing('a'), metadata: { name: 'a', namespace: 'n', managedFields: [{}], labels: { x: 'y' } } });
    await it.clock.advance(0);
    const cached = it.informer.get('n/a');
    expect(cached?.metadata).not.to.have.property('managedFields');
    expect(() => {
      (cached?.metadata.labels ?? {})['x'] = 'z';
    }).to.throw(TypeError);
    await it.end();
  });

  it('finds objects by index, and forgets values that no longer hold', async () => {
    const it = anInformer({ indexes: { value: ({ value }) => [String(value)] } });
    it.cluster.put(thing('a', 1));
    it.cluster.put(thing('b', 1));
    await it.clock.advance(0);
    expect(it.informer.byIndex('value', '1').map(keyOf)).to.deep.equal(['n/a', 'n/b']);
    it.cluster.put(thing('a', 2));
    it.cluster.remove('n/b');
    await settle();
    expect(it.informer.byIndex('value', '1')).to.deep.equal([]);
    expect(it.informer.byIndex('value', '2').map(keyOf)).to.deep.equal(['n/a']);
    expect(() => it.informer.byIndex('owner', 'x')).to.throw('no index "owner"');
    await it.end();
  });

  it('reports deletions that it missed, and an object that was made anew, after 410', async () => {
    const it = anInformer();
    for (const name of ['a', 'b', 'c']) it.cluster.put(thing(name, 1));
    await it.clock.advance(0);
    it.seen();
    it.cluster.endWatches(reset());
    await settle();
    it.cluster.remove('n/a');
    it.cluster.remove('n/b');
    it.cluster.put(thing('b', 2));
    it.cluster.compact();
    await it.clock.advance(5);
    expect(it.seen()).to.deep.equal(['deleted a 1', 'deleted b 1', 'added b 2']);
    expect(it.cluster.requests.list).to.equal(2);
    expect(it.restarts).to.deep.equal(['ConnectionFailed', 'Expired']);
    await it.end();
  });

  it('goes on from the last version after a reset, without listing', async () => {
    const it = anInformer();
    it.cluster.put(thing('a', 1));
    await it.clock.advance(0);
    it.cluster.endWatches(reset());
    await settle();
    it.cluster.put(thing('a', 2));
    it.cluster.remove('n/a');
    await it.clock.advance(1);
    expect(it.seen()).to.deep.equal(['added a 1', 'updated a 2', 'deleted a 2']);
    expect(it.cluster.requests).to.deep.equal({ list: 1, watch: 2 });
    await it.end();
  });

  it('never reconnects in a hot loop to a server that closes every watch at once', async () => {
    const it = anInformer();
    it.cluster.closeAtOnce = true;
    await it.clock.advance(300);
    // 0.5 + 1 + 2 + … + 30 s, then one every 30 s.
    expect(it.cluster.requests.watch).to.be.within(12, 16);
    await it.end();
  });

  it('asks again without delay when a watch ends in the normal course', async () => {
    const it = anInformer();
    await it.clock.advance(100);
    it.cluster.endWatches();
    await it.clock.advance(0);
    expect(it.cluster.requests.watch).to.equal(2);
    expect(it.cluster.watchers).to.equal(1);
    await it.end();
  });

  it('leaves a silent watch and goes on from where it was', async () => {
    const it = anInformer({ silenceSeconds: 120 });
    it.cluster.mute = true;
    await it.clock.advance(119);
    it.cluster.put(thing('a', 1));
    it.cluster.mute = false;
    expect(it.restarts).to.deep.equal([]);
    await it.clock.advance(3);
    expect(it.restarts).to.deep.equal(['Silent']);
    expect(it.seen()).to.deep.equal(['added a 1']);
    await it.end();
  });

  it('takes bookmarks as signs of life and as the version to go on from', async () => {
    const it = anInformer({ silenceSeconds: 120 });
    await it.clock.advance(0);
    for (let minute = 0; minute < 10; minute++) {
      await it.clock.advance(60);
      it.cluster.bookmark();
      await settle();
    }
    expect(it.restarts).to.deep.equal([]);
    expect(it.informer.lastEventAgeSeconds).to.equal(0);
    it.cluster.put(thing('a'));
    it.cluster.remove('n/a');
    it.cluster.bookmark();
    await settle();
    it.cluster.compact();
    it.cluster.endWatches();
    await it.clock.advance(5);
    expect(it.restarts).to.deep.equal(['Closed']);
    expect(it.cluster.requests.list).to.equal(1);
    await it.end();
  });

  it('waits as long as the server asks', async () => {
    const it = anInformer();
    it.cluster.watchFaults.push(failing(429, 20));
    await it.clock.advance(19);
    expect(it.cluster.requests.watch).to.equal(1);
    await it.clock.advance(2);
    expect(it.cluster.requests.watch).to.equal(2);
    await it.end();
  });

  it('lists again when watches keep failing, so that it follows even without any watch', async () => {
    const it = anInformer();
    await it.clock.advance(0);
    for (let count = 0; count < 100; count++) it.cluster.watchFaults.push(failing(500));
    it.cluster.endWatches(reset());
    it.cluster.put(thing('a', 1));
    await it.clock.advance(60);
    expect(it.seen()).to.deep.equal(['added a 1']);
    await it.end();
  });

  it('reports everything again on resync', async () => {
    const it = anInformer({ resyncSeconds: 600, silenceSeconds: 10_000 });
    it.cluster.put(thing('a', 1));
    await it.clock.advance(0);
    it.seen();
    const same: boolean[] = [];
    it.informer.onChange((change) => same.push(change.type === 'updated' && change.old === change.object));
    await it.clock.advance(1201);
    expect(it.seen()).to.deep.equal(['updated a 1', 'updated a 1']);
    expect(same).to.deep.equal([false, true, true]);
    await it.end();
  });

  it('contains a listener that throws', async () => {
    const it = anInformer();
    const seen: string[] = [];
    it.informer.onChange(() => {
      throw new Error('bug');
    });
    it.informer.onChange(({ object }) => seen.push(object.metadata.name));
    it.cluster.put(thing('a'));
    await it.clock.advance(0);
    expect(seen).to.deep.equal(['a']);
    await it.end();
  });

  it('ends `synced` when stopped before the first list', async () => {
    const it = anInformer();
    for (let count = 0; count < 100; count++) it.cluster.listFaults.push(failing(503));
    await it.clock.advance(10);
    expect(it.informer.hasSynced).to.equal(false);
    await it.end();
    const error = await it.informer.synced.catch((reason: Error) => reason.message);
    expect(error).to.contain('Thing informer was stopped before its first list');
  });

  it('equals the server after any sequence of changes and faults', async () => {
    const name = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.record({ do: fc.constant('put' as const), name }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), name }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('loseHistory' as const), name }) },
      fc.record({
        do: fc.constantFrom('close', 'reset', 'compact', 'mute', 'unmute', 'bookmark', 'list500', 'watch429'),
      }),
      {
        weight: 2,
        arbitrary: fc.record({ do: fc.constant('advance' as const), seconds: fc.integer({ min: 0, max: 200 }) }),
      },
    );
    const run = async (steps: readonly AnyStep[]) => {
      const it = anInformer({ silenceSeconds: 120, resyncSeconds: 0 });
      const mirror = new Map<string, string>();
      it.informer.onChange((change) => mirrorChange(mirror, change));
      for (const each of steps) await takeStep(it, each);
      it.cluster.mute = false;
      // Longer than the silence limit plus the longest backoff and Retry-After.
      await it.clock.advance(250);
      expect(versions(it.informer.list())).to.deep.equal(versions(it.cluster.objects()));
      expect([...mirror.values()].sort()).to.deep.equal(versions(it.cluster.objects()));
      await it.end();
      expect(it.clock.sleepers, 'timers left').to.equal(0);
    };
    await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 40, size: 'max' }), run), { numRuns: 100 });
  });
});

interface AnyStep {
  readonly do: string;
  readonly name?: string;
  readonly seconds?: number;
}

/** What a listener would build from the changes alone; each must fit the one before. */
function mirrorChange(mirror: Map<string, string>, change: ObjectChange<Thing>): void {
  const key = keyOf(change.object);
  expect(mirror.has(key), `${change.type} ${key}`).to.equal(change.type !== 'added');
  if (change.type === 'deleted') mirror.delete(key);
  else mirror.set(key, versions([change.object])[0] ?? '');
}

async function takeStep({ cluster, clock }: ReturnType<typeof anInformer>, step: AnyStep): Promise<void> {
  const actions: Record<string, () => unknown> = {
    put: () => cluster.put(thing(step.name ?? '')),
    remove: () => cluster.remove(`n/${step.name}`),
    close: () => cluster.endWatches(),
    // Changes that no watch will ever tell: only a list shows them.
    loseHistory: () => {
      cluster.endWatches();
      cluster.remove(`n/${step.name}`);
      cluster.put(thing(step.name ?? ''));
      cluster.compact();
    },
    reset: () => cluster.endWatches(reset()),
    compact: () => cluster.compact(),
    mute: () => {
      cluster.endWatches();
      cluster.mute = true;
    },
    unmute: () => {
      cluster.mute = false;
    },
    bookmark: () => cluster.bookmark(),
    list500: () => cluster.listFaults.push(failing(500)),
    watch429: () => cluster.watchFaults.push(failing(429, 3)),
    advance: () => clock.advance(step.seconds ?? 0),
  };
  await actions[step.do]?.();
  await settle();
}
