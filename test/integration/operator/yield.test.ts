import { randomBytes } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect } from 'chai';
import { Fleet } from '../../../deploy/dev/demo/fleet.ts';
import { createJob, readJobs, SHORT_WINDOWS } from '../../../deploy/dev/demo/objects.ts';
import { prometheusConfig } from '../../../deploy/dev/prometheus.ts';
import { GPU_POOLS, PODS, type Pod, SCALING_POLICIES, TRAINING_JOBS } from '../../../src/controllers/kinds.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { testKubeconfig } from '../../support/api-server.ts';
import { clientWithCrds } from '../api/api-server.ts';
import { until } from '../kube/fixtures.ts';
import { type RunningOperator, startOperator } from './operator-process.ts';
import { aNamespaceForPods, aNodeForOne, PlayedWorkers, tellThatItRuns } from './played-workers.ts';
import { runPrometheus } from './real-prometheus.ts';

const SEED = 7;
const RESTART_SECONDS = 5;
const PROVISIONING_SECONDS = 1;
const PATIENT = 'resnet18-sweep';
const URGENT = 'resnet50-release';

/**
 * Two jobs of the demo on a pool of six GPUs, of which a stranger holds one: real API server, Prometheus and operator,
 * the demo's simulated trainers. The job whose time has a value holds four, the one with a deadline one, and is late.
 */
describe('a job with a deadline on a full pool of a real API server', function () {
  // A machine that has not built Prometheus yet does so here.
  this.timeout(900_000);

  const id = randomBytes(3).toString('hex');
  const namespace = `yield-${id}`;
  const pool = `yield-${id}`;
  const nodes = [1, 2, 3, 4, 5, 6].map((place) => `${pool}-${place}`);
  const stop = new AbortController();
  const problems: string[] = [];
  let client: KubeClient;
  let prometheus: Awaited<ReturnType<typeof runPrometheus>>;
  let operator: RunningOperator;
  let workers: PlayedWorkers;
  let stranger: Pod;

  const statusOf = async (name: string) => (await client.get(TRAINING_JOBS, { name, namespace }))?.status;
  const resizeOf = async (name: string) => (await statusOf(name))?.decisions?.find(({ action }) => action === 'Resize');
  const strangerNow = () => client.get(PODS, { name: 'inference', namespace: `${namespace}-others` });
  const sizes = () => `${workers.livePods(PATIENT).length}+${workers.livePods(URGENT).length}`;

  before(async () => {
    client = await clientWithCrds();
    const kubeconfigPath = await testKubeconfig();
    await aNamespaceForPods(client, namespace);
    await aNamespaceForPods(client, `${namespace}-others`);
    for (const node of nodes) await aNodeForOne(client, node, { pool });
    await client.create(PODS, aStranger(`${namespace}-others`, nodes[0] ?? ''));
    await tellThatItRuns(client, { metadata: { name: 'inference', namespace: `${namespace}-others` } } as Pod);
    stranger = (await strangerNow()) as Pod;
    await client.apply(
      GPU_POOLS,
      { metadata: { name: pool }, spec: aPoolOf(nodes.length, pool) },
      { fieldManager: 'test' },
    );
    // The nodes are there, so that nobody has seen how long one takes; as in the demo, seconds are a job's minutes.
    await client.mergePatchStatus(GPU_POOLS, { name: pool }, { status: { provisioningSeconds: PROVISIONING_SECONDS } });
    const policy = { namespaces: [namespace], ...SHORT_WINDOWS };
    await client.apply(SCALING_POLICIES, { metadata: { name: pool }, spec: policy }, { fieldManager: 'test' });

    prometheus = await runPrometheus(mkdtempSync(path.join(tmpdir(), 'prometheus-')), prometheusConfig(kubeconfigPath));
    operator = await startOperator({ kubeconfigPath, namespace, identity: 'yield', prometheusUrl: prometheus.url });
    workers = new PlayedWorkers(client, namespace, nodes);
    const fleet = new Fleet({ client, namespace, seed: SEED, onProblem: (message) => problems.push(message) });
    await Promise.all([workers.start(stop.signal), fleet.start(stop.signal)]);
    for (const job of readJobs().filter(({ metadata }) => [PATIENT, URGENT].includes(metadata.name))) {
      const spec = { ...job.spec, capacity: { pools: [{ name: pool }] } };
      await createJob(client, { ...job, metadata: { ...job.metadata, namespace }, spec }, RESTART_SECONDS);
    }
  });

  after(async () => {
    stop.abort();
    await operator?.stop();
    await prometheus?.close();
    await client?.delete(GPU_POOLS, { name: pool });
    await client?.delete(SCALING_POLICIES, { name: pool });
  });

  it('finds it full', async () => {
    await until('both run as they were asked for', () => sizes() === '4+1', 30);
    expect(new Set((await client.list(PODS)).items.map(({ spec }) => spec.nodeName))).to.include.all.keys(nodes);
  });

  it('is given GPUs by the other one, which says why', async () => {
    await until('the other yields', async () => (await resizeOf(PATIENT)) !== undefined, 60);
    const given = await resizeOf(PATIENT);
    expect(given).to.include({ reason: 'YieldsToOthers' });
    expect(given?.message).to.match(/^4→2 workers.* for jobs that need the GPUs more/);
    expect(await resizeOf(URGENT), 'what is not free yet is not taken').to.equal(undefined);
    await until('it is resized', () => workers.livePods(PATIENT).length === 2, 30);
  });

  it('grows then, and is in time by the forecast', async () => {
    await until('it grows', async () => (await resizeOf(URGENT)) !== undefined, 60);
    const taken = await resizeOf(URGENT);
    expect(taken).to.include({ reason: 'DeadlineAtRisk' });
    const size = taken?.to?.replicas ?? 0;
    expect(size).to.be.above(1).and.at.most(3);
    await until(
      'it is resized',
      async () => sizes() === `2+${size}` && (await statusOf(URGENT))?.resize === undefined,
      60,
    );
    const inTime = async () =>
      (await statusOf(URGENT))?.conditions?.find(({ type }) => type === 'DeadlineAtRisk')?.reason === 'OnTime';
    await until('it is in time', inTime, 30);
  });

  it('has touched no pod of a stranger', async () => {
    const { uid, resourceVersion } = stranger.metadata;
    expect((await strangerNow())?.metadata).to.include({ uid, resourceVersion });
    expect([...problems, ...workers.problems]).to.deep.equal([]);
  });
});

function aStranger(namespace: string, nodeName: string): Pod {
  const resources = { limits: { 'nvidia.com/gpu': '1' } };
  return {
    metadata: { name: 'inference', namespace },
    spec: { nodeName, containers: [{ name: 'inference', image: 'x', resources }] },
  };
}

function aPoolOf(maxNodes: number, pool: string) {
  return {
    accelerator: { type: 'nvidia-t4', memoryMiB: 15_360 },
    gpusPerNode: 1,
    nodeSelector: { pool },
    limits: { minNodes: maxNodes, maxNodes },
    cost: { pricePerNodeHour: (0.526 * 60).toFixed(4), currency: 'USD' },
  };
}
