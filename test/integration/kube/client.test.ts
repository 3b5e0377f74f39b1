import { expect } from 'chai';
import { setConditions } from '../../../src/kube/conditions.ts';
import { connect } from '../../../src/kube/connect.ts';
import { EVENTS, EventRecorder } from '../../../src/kube/events.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import {
  isAlreadyExists,
  isBlockedByDisruptionBudget,
  isConflict,
  isGone,
  isInvalid,
  isNotFound,
} from '../../../src/kube/kube-error.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { startFaultProxy } from '../../support/fault-proxy.ts';
import { aNamespace, CONFIG_MAPS, type ConfigMap, until } from './fixtures.ts';

interface Widget extends KubeObject {
  spec?: { replicas?: number; color?: string };
  status?: { replicas?: number; conditions?: readonly object[] };
}
interface Pod extends KubeObject {
  spec?: object;
  status?: object;
}

const WIDGETS: Resource<Widget> = { apiVersion: 'kube.test/v1', kind: 'Widget', plural: 'widgets', namespaced: true };
const PODS: Resource<Pod> = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
const BUDGETS: Resource<Widget> = {
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  plural: 'poddisruptionbudgets',
  namespaced: true,
};
const CRDS: Resource<KubeObject & { spec?: object; status?: { conditions?: { type: string; status: string }[] } }> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

const open = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
const WIDGET_CRD = {
  metadata: { name: 'widgets.kube.test' },
  spec: {
    group: 'kube.test',
    scope: 'Namespaced',
    names: { plural: 'widgets', kind: 'Widget' },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec: open, status: open } } },
        subresources: {
          status: {},
          scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' },
        },
      },
    ],
  },
};

const errorOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('KubeClient against a real API server', () => {
  let client: KubeClient;
  let namespace: string;
  let kubeconfigPath: string;

  before(async function () {
    this.timeout(120_000);
    ({ client, namespace, kubeconfigPath } = await aNamespace());
    await client.apply(CRDS, WIDGET_CRD, { fieldManager: 'test' });
    const isEstablished = async () => {
      const conditions = (await client.get(CRDS, { name: WIDGET_CRD.metadata.name }))?.status?.conditions ?? [];
      return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
    };
    await until('the CRD is established', isEstablished);
    await until('widgets are served', async () => (await errorOf(client.list(WIDGETS))) === undefined);
  });

  it('creates, reads, replaces under an optimistic lock, patches and deletes', async () => {
    const at = { name: 'crud', namespace };
    const made = await client.create(CONFIG_MAPS, { metadata: at, data: { a: '1' } });
    expect(isAlreadyExists(await errorOf(client.create(CONFIG_MAPS, { metadata: at })))).to.equal(true);
    await client.replace(CONFIG_MAPS, { ...made, data: { a: '2' } });
    const stale = await errorOf(client.replace(CONFIG_MAPS, { ...made, data: { a: '3' } }));
    expect(isConflict(stale)).to.equal(true);
    await client.mergePatch(CONFIG_MAPS, at, { data: { b: '4' } });
    const test = { op: 'test', path: '/data/b', value: 'other' } as const;
    expect(isInvalid(await errorOf(client.jsonPatch(CONFIG_MAPS, at, [test])))).to.equal(true);
    await client.jsonPatch(CONFIG_MAPS, at, [{ op: 'remove', path: '/data/b' }]);
    expect((await client.get(CONFIG_MAPS, at))?.data).to.deep.equal({ a: '2' });
    const wrong = await errorOf(client.delete(CONFIG_MAPS, at, { preconditions: { uid: 'other' } }));
    expect(isConflict(wrong)).to.equal(true);
    expect(await client.delete(CONFIG_MAPS, at)).to.equal(true);
    expect(await client.delete(CONFIG_MAPS, at)).to.equal(false);
    expect(isNotFound(await errorOf(client.mergePatch(CONFIG_MAPS, at, {})))).to.equal(true);
  });

  it('stores nothing on a dry run', async () => {
    await client.create(CONFIG_MAPS, { metadata: { name: 'dry', namespace } }, { dryRun: true });
    expect(await client.get(CONFIG_MAPS, { name: 'dry', namespace })).to.equal(undefined);
  });

  it('applies fields of its own, and takes them from others only by force', async () => {
    const config = { metadata: { name: 'applied', namespace }, data: { x: '1' } };
    await client.apply(CONFIG_MAPS, config, { fieldManager: 'one' });
    const other = { ...config, data: { x: '2' } };
    const refused = await errorOf(client.apply(CONFIG_MAPS, other, { fieldManager: 'two', force: false }));
    expect(isConflict(refused)).to.equal(true);
    expect((await client.apply(CONFIG_MAPS, other, { fieldManager: 'two' })).data).to.deep.equal({ x: '2' });
  });

  it('writes status apart from spec', async () => {
    const at = { name: 'w', namespace };
    await client.apply(WIDGETS, { metadata: at, spec: { replicas: 1, color: 'red' } }, { fieldManager: 'test' });
    const ready = { type: 'Ready', status: 'True', reason: 'Fine', message: 'fine' } as const;
    const conditions = setConditions(undefined, [ready], Date.now());
    await client.applyStatus(
      WIDGETS,
      { metadata: at, status: { replicas: 1, conditions } },
      { fieldManager: 'status' },
    );
    const patched = await client.mergePatchStatus(WIDGETS, at, { spec: { color: 'blue' }, status: { replicas: 2 } });
    expect(patched.spec?.color).to.equal('red');
    expect(patched.status).to.deep.equal({ replicas: 2, conditions });
  });

  it('scales a custom resource, with a precondition, and to zero', async () => {
    const at = { name: 'scaled', namespace };
    await client.create(WIDGETS, { metadata: at, spec: { replicas: 1 } });
    const first = await client.getScale(WIDGETS, at);
    expect(first).to.include({ replicas: 1, observedReplicas: 0 });
    await client.setScale(WIDGETS, at, { replicas: 3, resourceVersion: first?.resourceVersion });
    const stale = client.setScale(WIDGETS, at, { replicas: 4, resourceVersion: first?.resourceVersion });
    expect(isConflict(await errorOf(stale))).to.equal(true);
    expect((await client.setScale(WIDGETS, at, { replicas: 0 })).replicas).to.equal(0);
    expect((await client.get(WIDGETS, at))?.spec?.replicas).to.equal(0);
    expect(await client.getScale(WIDGETS, { name: 'none', namespace })).to.equal(undefined);
  });

  it('lists 1200 objects in pages, all with kind', async function () {
    this.timeout(60_000);
    const make = (index: number) =>
      client.create(CONFIG_MAPS, { metadata: { name: `many-${index}`, namespace, labels: { many: 'yes' } } });
    for (let from = 0; from < 1200; from += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, index) => make(from + index)));
    }
    const { items } = await client.list(CONFIG_MAPS, { namespace, labelSelector: 'many=yes', pageSize: 500 });
    expect(new Set(items.map(({ metadata }) => metadata.name)).size).to.equal(1200);
    expect(items[0]?.kind).to.equal('ConfigMap');
  });

  it('evicts a pod, and says when a budget forbids it', async () => {
    const containers = [{ name: 'c', image: 'none' }];
    const pod = (name: string) => ({
      metadata: { name, namespace, labels: { app: name } },
      spec: { containers, nodeName: 'nowhere', automountServiceAccountToken: false },
    });
    const budget = { selector: { matchLabels: { app: 'guarded' } }, minAvailable: 1 };
    await client.create(BUDGETS, { metadata: { name: 'guard', namespace }, spec: budget as object });
    const account: Resource<KubeObject> = {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      plural: 'serviceaccounts',
      namespaced: true,
    };
    await errorOf(client.create(account, { metadata: { name: 'default', namespace } }));
    for (const name of ['free', 'guarded']) {
      await client.create(PODS, pod(name));
      const ready = [{ type: 'Ready', status: 'True' }];
      await client.mergePatchStatus(PODS, { name, namespace }, { status: { phase: 'Running', conditions: ready } });
    }
    expect(await client.evict({ name: 'free', namespace }, { gracePeriodSeconds: 0 })).to.equal(true);
    const error = await errorOf(client.evict({ name: 'guarded', namespace }));
    expect(isBlockedByDisruptionBudget(error), String(error)).to.equal(true);
    expect(await client.evict({ name: 'none', namespace })).to.equal(false);
  });

  it('is told that a version is too old, and gets headers and bookmarks of a quiet watch', async function () {
    this.timeout(20_000);
    const { signal } = new AbortController();
    const old = client.watch(CONFIG_MAPS, { resourceVersion: '1', timeoutSeconds: 5, namespace, signal });
    const ended = await errorOf(old.next());
    // A young server still has its whole history: then the first event comes instead.
    expect(ended === undefined || isGone(ended)).to.equal(true);
    await old.return(undefined);
    const { resourceVersion } = await client.list(CONFIG_MAPS, { namespace });
    // A bookmark comes when versions moved on elsewhere while the watch was open.
    const elsewhere = { metadata: { name: `elsewhere-${namespace}`, namespace: 'default' } };
    const moved = new Promise((resolve) => setTimeout(resolve, 500)).then(() => client.create(CONFIG_MAPS, elsewhere));
    const types: string[] = [];
    for await (const { type } of client.watch(CONFIG_MAPS, { resourceVersion, timeoutSeconds: 4, namespace, signal })) {
      types.push(type);
    }
    expect(types).to.include('BOOKMARK').and.not.include('ADDED');
    await moved;
  });

  it('records an event, and its repetitions as a series on it', async () => {
    const regarding = await client.create(CONFIG_MAPS, { metadata: { name: 'eventful', namespace } });
    const options = { client, reportingController: 'kube.test/operator', reportingInstance: 'pod-1' };
    const recorder = new EventRecorder(options);
    const event = {
      regarding: { ...regarding, apiVersion: 'v1', kind: 'ConfigMap' },
      reason: 'PlanHeld',
      message: 'ä'.repeat(900),
    };
    for (let count = 0; count < 5; count++) recorder.record({ ...event, type: 'Warning' });
    await recorder.flush();
    const { items } = await client.list(EVENTS, { namespace });
    const mine = items.filter((item) => item.regarding.name === 'eventful');
    expect(mine.length).to.equal(1);
    expect(mine[0]).to.include({ reason: 'PlanHeld', action: 'PlanHeld', type: 'Warning' });
    expect(mine[0]?.series?.count).to.equal(5);
    expect(mine[0]?.note).to.match(/ä…$/);
  });

  it('discovers the kinds of a group, and none of a group that is not served', async () => {
    const widget = { kind: 'Widget', plural: 'widgets', namespaced: true, hasScale: true };
    expect(await client.discover('kube.test/v1')).to.deep.equal([widget]);
    expect(await client.discover('nobody.test/v1')).to.deep.equal([]);
    const nodes = (await client.discover('v1')).find(({ plural }) => plural === 'nodes');
    expect(nodes).to.deep.equal({ kind: 'Node', plural: 'nodes', namespaced: false, hasScale: false });
  });

  it('needs one connection for a hundred calls one after the other', async () => {
    const proxy = await startFaultProxy({ kubeconfigPath });
    const through = connect({ kubeconfigPath: proxy.kubeconfigPath, requestTimeoutSeconds: 5 });
    for (let call = 0; call < 100; call++)
      await through.list<ConfigMap>(CONFIG_MAPS, { namespace, labelSelector: 'no=ne' });
    expect(proxy.seen.connections).to.equal(1);
    through.close();
    await proxy.close();
  });
});
