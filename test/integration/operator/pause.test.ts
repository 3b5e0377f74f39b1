import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { TrainingJobInput } from '../../../src/api/training-job.ts';
import { JOBS, NODES, PODS, TRAINING_JOBS, type TrainingJobObject } from '../../../src/controllers/kinds.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { testKubeconfig } from '../../support/api-server.ts';
import { clientWithCrds, GPU_POOLS, SCALING_POLICIES } from '../api/api-server.ts';
import { until } from '../kube/fixtures.ts';
import { CRDS, nodeGroupCrd, nodeGroups } from './node-group.ts';
import { type RunningOperator, startEmptyPrometheus, startOperator } from './operator-process.ts';

const core = (kind: string, plural: string, namespaced: boolean): Resource<KubeObject> => ({
  ...{ apiVersion: 'v1', kind, plural, namespaced },
});
const NAMESPACES = core('Namespace', 'namespaces', false);
const ACCOUNTS = core('ServiceAccount', 'serviceaccounts', true);

const MINUTE = 60_000;
const timeOfDay = (milliseconds: number) => new Date(milliseconds).toISOString().slice(11, 16);

/**
 * Plays the Job controller, the scheduler and the provider of nodes, which a bare API server lacks: pods come and go with
 * the Job, a node with the scale.
 */
function playCluster(client: KubeClient, name: string, namespace: string, group: string) {
  const node = `${name}-node`;
  const labels = { pool: name };
  const play = async () => {
    const scale = await client.get(nodeGroups(group), { name });
    const wantsNode = ((scale?.spec as { nodes?: number } | undefined)?.nodes ?? 0) > 0;
    const hasNode = (await client.get(NODES, { name: node })) !== undefined;
    if (wantsNode && !hasNode) {
      const allocatable = { 'nvidia.com/gpu': '1', cpu: '8', memory: '8Gi', pods: '10' };
      const status = { allocatable, capacity: allocatable, conditions: [{ type: 'Ready', status: 'True' }] };
      await client.create(NODES, { metadata: { name: node, labels }, status });
    }
    const job = await client.get(JOBS, { name, namespace });
    const wantsPod = job !== undefined && job.spec.suspend !== true;
    const pod = await client.get(PODS, { name: `${name}-0`, namespace });
    if (wantsPod && pod === undefined && hasNode) {
      const { metadata, spec } = job.spec.template;
      await client.create(PODS, {
        metadata: { name: `${name}-0`, namespace, labels: { ...metadata?.labels } },
        spec: { ...spec, nodeName: node, automountServiceAccountToken: false },
      });
      const ready = [{ type: 'Ready', status: 'True' }];
      const at = { name: `${name}-0`, namespace };
      await client.mergePatchStatus(PODS, at, { status: { phase: 'Running', conditions: ready } });
    }
    if (!wantsPod && pod !== undefined) {
      await client.evict({ name: `${name}-0`, namespace }, { gracePeriodSeconds: 0 });
    }
    if (!wantsNode && hasNode && pod === undefined) await client.delete(NODES, { name: node });
  };
  let isOver = false;
  const played = (async () => {
    while (!isOver) {
      await play().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  })();
  return async () => {
    isOver = true;
    await played;
    await client.delete(NODES, { name: node }).catch(() => undefined);
  };
}

describe('a pause on a real API server', function () {
  this.timeout(6 * MINUTE);

  const id = randomBytes(3).toString('hex');
  const name = `green-${id}`;
  const namespace = `pause-test-${id}`;
  const group = `p${id}.example`;
  let client: KubeClient;
  let operator: RunningOperator;
  let prometheus: Awaited<ReturnType<typeof startEmptyPrometheus>>;
  let stopPlaying: () => Promise<void>;
  let closesAt: number;

  const statusOf = async () => (await client.get(TRAINING_JOBS, { name, namespace }))?.status;
  const nodesAsked = async () =>
    ((await client.get(nodeGroups(group), { name }))?.spec as { nodes?: number } | undefined)?.nodes;
  const podsOf = async () => (await client.list(PODS, { namespace })).items.length;

  before(async () => {
    client = await clientWithCrds();
    prometheus = await startEmptyPrometheus();
    await client.create(NAMESPACES, { metadata: { name: namespace } });
    await client.create(ACCOUNTS, { metadata: { name: 'default', namespace } });
    await client.create(CRDS, nodeGroupCrd(group));
    const target = { apiVersion: `${group}/v1`, kind: 'NodeGroup', metadata: { name }, spec: { nodes: 0 } };
    const isTaken = () =>
      client.create(nodeGroups(group), target).then(
        () => true,
        () => false,
      );
    await until('the kind of nodes takes objects', isTaken, 30);
    await client.create(GPU_POOLS, aPool(name, group));
    const policy = { namespaces: [namespace], planIntervalSeconds: 5 };
    await client.create(SCALING_POLICIES, { ...meta('ScalingPolicy', name), spec: policy });
    stopPlaying = playCluster(client, name, namespace, group);
    const kubeconfigPath = await testKubeconfig();
    operator = await startOperator({ kubeconfigPath, namespace, identity: name, prometheusUrl: prometheus.url });
    // A whole minute, with time to start before it.
    closesAt = Math.ceil((Date.now() + 40_000) / MINUTE) * MINUTE;
    await client.create(TRAINING_JOBS, aGreenJob(name, namespace, closesAt));
  });

  after(async () => {
    await operator?.stop();
    await stopPlaying?.();
    prometheus?.close();
    await client?.delete(GPU_POOLS, { name });
    await client?.delete(SCALING_POLICIES, { name });
    await client?.delete(CRDS, { name: `nodegroups.${group}` });
  });

  it('begins when the window closes: the Job is suspended, its pods and nodes go', async () => {
    await until('the worker runs', async () => (await podsOf()) === 1, 40);
    expect(Date.now(), 'it runs before its window closes').to.be.below(closesAt);
    await until('it is paused', async () => (await statusOf())?.state === 'Paused', 100);
    expect(Date.now()).to.be.within(closesAt, closesAt + 45_000);
    expect((await client.get(JOBS, { name, namespace }))?.spec).to.include({ suspend: true, parallelism: 1 });
    await until('its pods are gone', async () => (await podsOf()) === 0, 20);
    await until('its nodes are given back', async () => (await nodesAsked()) === 0, 40);
    const status = await statusOf();
    expect(status?.pause).to.deep.include({
      ...{
        reason: 'OutsideHours',
        isStart: false,
        until: new Date(closesAt + 2 * MINUTE).toISOString().replace('.000', ''),
      },
    });
    expect(status?.conditions?.find(({ type }) => type === 'Paused')).to.include({ status: 'True' });
  });

  it('survives that the operator is replaced', async () => {
    await operator.stop();
    const kubeconfigPath = await testKubeconfig();
    operator = await startOperator({ kubeconfigPath, namespace, identity: `${name}-2`, prometheusUrl: prometheus.url });
    await until('it leads', async () => operator.lines.some((line) => line.includes('leading')), 30);
    if (Date.now() < closesAt + 1.5 * MINUTE) expect((await statusOf())?.state).to.equal('Paused');
  });

  it('ends when the next window opens: nodes first, then the workers', async () => {
    await until('it goes on', async () => (await statusOf())?.pause === undefined, 180);
    expect(Date.now()).to.be.within(closesAt + 2 * MINUTE, closesAt + 3 * MINUTE);
    await until('a node is asked for', async () => (await nodesAsked()) === 1, 20);
    await until('the worker runs', async () => (await podsOf()) === 1, 60);
    expect((await client.get(JOBS, { name, namespace }))?.spec).to.include({ suspend: false, parallelism: 1 });
    expect((await statusOf())?.pausedSeconds).to.be.within(75, 200);
    const decisions = (await statusOf())?.decisions?.map(({ action }) => action);
    expect(decisions).to.deep.equal(['Start', 'Pause', 'Resume']);
  });
});

const meta = (kind: string, name: string) => ({ apiVersion: 'stepwise.dev/v1alpha1', kind, metadata: { name } });

function aPool(name: string, group: string) {
  return {
    ...meta('GPUPool', name),
    spec: {
      accelerator: { type: 'nvidia-t4' },
      gpusPerNode: 1,
      nodeSelector: { pool: name },
      provider: {
        type: 'ScaleSubresource',
        scaleTarget: { apiVersion: `${group}/v1`, kind: 'NodeGroup', name },
      },
      limits: { maxNodes: 1 },
      cost: { pricePerNodeHour: '0.526' },
      scaleDownDelaySeconds: 2,
    },
  };
}

function aGreenJob(name: string, namespace: string, closesAt: number): TrainingJobObject {
  const windows = [
    { name: 'now', from: timeOfDay(closesAt - 60 * MINUTE), to: timeOfDay(closesAt) },
    { name: 'later', from: timeOfDay(closesAt + 2 * MINUTE), to: timeOfDay(closesAt + 120 * MINUTE) },
  ];
  const spec: TrainingJobInput['spec'] = {
    mode: 'Auto',
    workload: { podTemplate: { spec: { containers: [{ name: 'trainer', image: 'trainer:1' }] } } },
    batch: { mode: 'Off', globalBatchSize: { initial: 256 } },
    capacity: { pools: [{ name }] },
    eco: { mode: 'Require', windows },
  };
  // What is left out is filled in by the server.
  return { ...meta('TrainingJob', name), metadata: { name, namespace }, spec } as unknown as TrainingJobObject;
}
