import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import type { TrainingJobInput } from '../../../src/api/training-job.ts';
import {
  CONFIG_MAPS,
  type ConfigMap,
  JOBS,
  SERVICES,
  TRAINING_JOBS,
  type TrainingJobObject,
  type WorkerJob,
} from '../../../src/controllers/kinds.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { testKubeconfig } from '../../support/api-server.ts';
import { clientWithCrds, GPU_POOLS } from '../api/api-server.ts';
import { until } from '../kube/fixtures.ts';
import { type RunningOperator, startEmptyPrometheus, startOperator } from './operator-process.ts';

const LEASES: Resource<KubeObject & { spec?: { holderIdentity?: string } }> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};
const NAMESPACES: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
const POOL = 'operator-test';

describe('the operator against a real API server', function () {
  this.timeout(60_000);

  const namespace = `operator-test-${randomBytes(4).toString('hex')}`;
  let client: KubeClient;
  let prometheus: Awaited<ReturnType<typeof startEmptyPrometheus>>;
  const operators: RunningOperator[] = [];

  const start = async (identity: string) => {
    const kubeconfigPath = await testKubeconfig();
    const operator = await startOperator({ kubeconfigPath, namespace, identity, prometheusUrl: prometheus.url });
    operators.push(operator);
    return operator;
  };
  const create = (name: string, spec: Partial<TrainingJobInput['spec']> = {}) =>
    client.create(TRAINING_JOBS, aJobNamed(name, namespace, spec));
  const jobOf = (name: string) => client.get(TRAINING_JOBS, { name, namespace });
  const conditionOf = async (name: string, type: string) =>
    (await jobOf(name))?.status?.conditions?.find((condition) => condition.type === type);
  const holder = async () => (await client.get(LEASES, { name: 'stepwise-operator', namespace }))?.spec?.holderIdentity;

  before(async () => {
    client = await clientWithCrds();
    prometheus = await startEmptyPrometheus();
    await client.create(NAMESPACES, { metadata: { name: namespace } });
    await client.apply(GPU_POOLS, aPoolLeftToOthers(), { fieldManager: 'test' });
    await start('first');
    await until('the first operator leads', async () => (await holder()) === 'first', 20);
  });

  after(async () => {
    await Promise.all(operators.map((operator) => operator.stop()));
    prometheus?.close();
    await client?.delete(GPU_POOLS, { name: POOL });
  });

  it('makes file, service and workload of a job, and owns them by it', async () => {
    const { metadata } = await create('bert');
    await until(
      'the workload is there',
      async () => (await client.get(JOBS, { name: 'bert', namespace })) !== undefined,
    );
    const made: (KubeObject | undefined)[] = [
      await client.get(CONFIG_MAPS, { name: 'bert-tuning', namespace }),
      await client.get(SERVICES, { name: 'bert', namespace }),
      await client.get(JOBS, { name: 'bert', namespace }),
    ];
    for (const object of made) {
      expect(object?.metadata.ownerReferences, object?.kind).to.have.length(1);
      expect(object?.metadata.ownerReferences?.[0]).to.include({ uid: metadata.uid, controller: true });
      expect(object?.metadata.labels, object?.kind).to.include({ 'stepwise.dev/training-job': 'bert' });
    }
    const workload = made[2] as WorkerJob;
    expect(workload.spec).to.include({ parallelism: 2, completions: 2, completionMode: 'Indexed', suspend: false });
    await until('it is told', async () => (await conditionOf('bert', 'Accepted'))?.status === 'True');
    expect((await jobOf('bert'))?.status?.decisions?.[0]?.action).to.equal('Start');
  });

  it('tells what the API server has against a pod template', async () => {
    const podTemplate = { spec: { containers: [{ name: 'trainer', image: 'x', imagePullPolicy: 'Sometimes' }] } };
    await create('wrong-pod', { workload: { podTemplate } });
    await until('it is refused', async () => (await conditionOf('wrong-pod', 'Accepted'))?.status === 'False');
    const condition = await conditionOf('wrong-pod', 'Accepted');
    expect(condition?.reason).to.equal('PodTemplateRefused');
    expect(condition?.message).to.contain('imagePullPolicy').and.to.contain('Sometimes');
    const { metadata, status } = (await jobOf('wrong-pod')) as TrainingJobObject;
    expect(status?.state).to.equal('Refused');
    const seen = new Set([metadata.resourceVersion]);
    for (let look = 0; look < 30; look++) {
      seen.add((await jobOf('wrong-pod'))?.metadata.resourceVersion);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(seen.size, 'it is not tried in a loop').to.be.at.most(4);
  });

  it('leaves the Job of somebody else alone and says so', async () => {
    const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } };
    await client.create(JOBS, { metadata: { name: 'taken', namespace }, spec: { suspend: true, template } });
    await create('taken');
    await until('it is refused', async () => (await conditionOf('taken', 'Accepted'))?.reason === 'NameTaken');
    expect((await client.get(JOBS, { name: 'taken', namespace }))?.metadata.ownerReferences).to.equal(undefined);
  });

  it('keeps what another manager writes on its file', async () => {
    await create('shared');
    const at = { name: 'shared-tuning', namespace };
    await until(
      'the workload is there',
      async () => (await client.get(JOBS, { name: 'shared', namespace })) !== undefined,
    );
    await client.apply(
      CONFIG_MAPS,
      { apiVersion: 'v1', kind: 'ConfigMap', metadata: { ...at, labels: { team: 'vision' } } } as ConfigMap,
      { fieldManager: 'somebody-else' },
    );
    // Without its number of workers the file is damaged, and written again.
    await client.mergePatch(CONFIG_MAPS, at, { data: { workers: null } });
    await until('it is repaired', async () => (await client.get(CONFIG_MAPS, at))?.data?.['workers'] === '2');
    expect((await client.get(CONFIG_MAPS, at))?.metadata.labels).to.include({ team: 'vision' });
    expect((await client.get(JOBS, { name: 'shared', namespace }))?.spec.suspend).to.equal(false);
  });

  it('does not write a status over a newer one', async () => {
    const stale = (await jobOf('bert')) as TrainingJobObject;
    await client.mergePatch(
      TRAINING_JOBS,
      { name: 'bert', namespace },
      { metadata: { annotations: { touched: 'yes' } } },
    );
    const { apiVersion, kind, metadata, status } = stale;
    const { name, resourceVersion } = metadata;
    const write = client.applyStatus(
      TRAINING_JOBS,
      { apiVersion, kind, metadata: { name, namespace, resourceVersion }, status: { ...status } } as TrainingJobObject,
      { fieldManager: 'stepwise' },
    );
    const error = await write.then(
      () => undefined,
      (refusal: unknown) => refusal,
    );
    expect(error, 'the refusal').to.include({ status: 409, reason: 'Conflict' });
  });

  it('serves probes and metrics', async () => {
    const [leader] = operators as [RunningOperator];
    expect((await fetch(`${leader.url}/readyz`)).status).to.equal(200);
    const page = await (await fetch(`${leader.url}/metrics`)).text();
    expect(page).to.contain('stepwise_leader{lease="stepwise-operator"} 1');
    expect(page).to.contain(`stepwise_training_job_workers{namespace="${namespace}",name="bert",kind="desired"} 2`);
  });

  it('leads alone, and hands over when it is told to end', async () => {
    const [first] = operators as [RunningOperator];
    const second = await start('second');
    await until('the second is ready', async () => (await fetch(`${second.url}/readyz`)).ok, 20).catch(() => undefined);
    await until(
      'the second listens',
      async () => (await fetch(`${second.url}/healthz`).catch(() => undefined))?.ok ?? false,
      20,
    );
    expect(await holder()).to.equal('first');
    const { code, seconds } = await first.stop();
    expect(code, first.lines.slice(-3).join('\n')).to.equal(0);
    expect(seconds, 'seconds to end').to.be.below(5);
    await until('the second leads', async () => (await holder()) === 'second', 10);
    await create('after-the-change');
    await until(
      'the second works',
      async () => (await client.get(JOBS, { name: 'after-the-change', namespace })) !== undefined,
    );
  });
});

function aJobNamed(name: string, namespace: string, spec: Partial<TrainingJobInput['spec']>): TrainingJobObject {
  const input = {
    apiVersion: 'stepwise.dev/v1alpha1',
    kind: 'TrainingJob',
    metadata: { name, namespace },
    spec: {
      replicas: 2,
      workload: { podTemplate: { spec: { containers: [{ name: 'trainer', image: 'trainer:1' }] } } },
      batch: { globalBatchSize: { initial: 256 }, learningRate: { rule: 'Sqrt' } },
      capacity: { pools: [{ name: POOL }] },
      ...spec,
    },
  };
  // What is left out is filled in by the server.
  return input as unknown as TrainingJobObject;
}

function aPoolLeftToOthers() {
  return {
    apiVersion: 'stepwise.dev/v1alpha1',
    kind: 'GPUPool',
    metadata: { name: POOL },
    spec: {
      accelerator: { type: 'nvidia-t4' },
      gpusPerNode: 2,
      nodeSelector: { pool: POOL },
      limits: { maxNodes: 4 },
      cost: { pricePerNodeHour: '0.526' },
    },
  };
}
