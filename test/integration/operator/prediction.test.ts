import { randomBytes } from 'node:crypto';
import { expect } from 'chai';
import { parse } from 'yaml';
import type { TrainingJobStatus } from '../../../src/api/training-job.ts';
import { encodeEvidence } from '../../../src/controllers/fleet/evidence-codec.ts';
import {
  CONFIG_MAPS,
  JOBS,
  TRAINING_JOBS,
  TRAINING_PROFILES,
  type TrainingJobObject,
} from '../../../src/controllers/kinds.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { evidenceOf } from '../../support/a-job.ts';
import { TRAINING } from '../../support/a-run.ts';
import { testKubeconfig } from '../../support/api-server.ts';
import { clientWithCrds, GPU_POOLS } from '../api/api-server.ts';
import { until } from '../kube/fixtures.ts';
import { type RunningOperator, startEmptyPrometheus, startOperator } from './operator-process.ts';

const NAMESPACES: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};
const POOL = 'prediction-test';

describe('a family of runs against a real API server', function () {
  this.timeout(120_000);

  const namespace = `prediction-test-${randomBytes(4).toString('hex')}`;
  let client: KubeClient;
  let prometheus: Awaited<ReturnType<typeof startEmptyPrometheus>>;
  let operator: RunningOperator;

  before(async () => {
    client = await clientWithCrds();
    prometheus = await startEmptyPrometheus();
    await client.create(NAMESPACES, { metadata: { name: namespace } });
    await client.apply(GPU_POOLS, pool(), { fieldManager: 'test' });
    // The first run ended while no operator was there to see it.
    await client.create(TRAINING_JOBS, aJob('first', namespace));
    const { apiVersion, kind } = TRAINING_JOBS;
    const ended = { apiVersion, kind, metadata: { name: 'first', namespace }, status: endedStatus() };
    await client.applyStatus(TRAINING_JOBS, ended as unknown as TrainingJobObject, { fieldManager: 'stepwise' });
    const kubeconfigPath = await testKubeconfig();
    operator = await startOperator({ kubeconfigPath, namespace, identity: 'only', prometheusUrl: prometheus.url });
  });

  after(async () => {
    await operator?.stop();
    prometheus?.close();
    await client?.delete(GPU_POOLS, { name: POOL });
  });

  it('keeps what the first run taught', async () => {
    const at = { namespace, name: 'char-lm' };
    const found = async () => client.get(TRAINING_PROFILES, at);
    await until('the profile is described', async () => (await found())?.status?.runs === 1, 40);
    const profile = await found();
    expect(profile?.spec.runs[0]).to.include({ job: 'first', outcome: 'Complete', acceleratorType: 'nvidia-t4' });
    expect(profile?.status?.conditions?.[0]).to.include({ type: 'Usable', status: 'True' });
    expect(profile?.status?.predictionError?.meanCostErrorPercent).to.equal(25);
  });

  it('starts the second at the batch that is best by it, and says so', async () => {
    await client.create(TRAINING_JOBS, aJob('second', namespace));
    const at = { namespace, name: 'second' };
    await until('the workload is there', async () => (await client.get(JOBS, at)) !== undefined, 40);
    const tuning = parse(
      (await client.get(CONFIG_MAPS, { namespace, name: 'second-tuning' }))?.data?.['tuning.json'] ?? '{}',
    );
    const status = (await client.get(TRAINING_JOBS, at))?.status;
    expect(status?.prediction?.source).to.equal('Family');
    expect(tuning.globalBatchSize).to.equal(status?.prediction?.allocation?.globalBatchSize);
    expect(tuning.globalBatchSize).to.be.greaterThan(256);
    expect((await client.get(JOBS, at))?.spec.parallelism).to.equal(status?.prediction?.allocation?.replicas);
    expect(Number(status?.prediction?.cost?.low)).to.be.greaterThan(0);
  });
});

function aJob(name: string, namespace: string): TrainingJobObject {
  const input = {
    apiVersion: 'stepwise.dev/v1alpha1',
    kind: 'TrainingJob',
    metadata: { name, namespace },
    spec: {
      mode: 'Auto',
      replicas: 2,
      elasticity: { minReplicas: 1, maxReplicas: 4 },
      workload: { podTemplate: { spec: { containers: [{ name: 'trainer', image: 'trainer:1' }] } } },
      batch: { globalBatchSize: { initial: 256, max: 4096 }, learningRate: { rule: 'Sqrt' } },
      objective: { work: { type: 'Samples', samples: 1_000_000 } },
      capacity: { pools: [{ name: POOL }] },
      prediction: { family: 'char-lm' },
    },
  };
  return input as unknown as TrainingJobObject;
}

/** A run whose passes cost a second whatever their size, so that larger batches are cheaper. */
function endedStatus(): TrainingJobStatus {
  const evidence = {
    ...evidenceOf({ ...TRAINING, overheadSeconds: 1, gradientNoiseScale: 8000 }),
    noiseTrail: [{ referenceSamples: 1_000_000, gradientNoiseScale: 8000, weight: 10 }],
    memory: [
      { microBatchSize: 16, usedBytes: 2e9, limitBytes: 16e9 },
      { microBatchSize: 32, usedBytes: 2.2e9, limitBytes: 16e9 },
    ],
  };
  return {
    state: 'Complete',
    pool: POOL,
    startTime: '2026-01-01T00:00:00Z',
    completionTime: '2026-01-01T01:00:00Z',
    cost: { currency: 'USD', accrued: '2' },
    batch: {
      globalBatchSize: 1024,
      microBatchSize: 512,
      gradientAccumulationSteps: 1,
      dataParallelSize: 2,
      learningRateScale: '2',
      version: 3,
    },
    prediction: {
      madeAt: '2026-01-01T00:00:00Z',
      source: 'Measured',
      cost: { value: '2.5' },
      seconds: { value: '3600' },
    },
    bookkeeping: { evidence: encodeEvidence(evidence) },
    conditions: [
      {
        type: 'Complete',
        status: 'True',
        reason: 'WorkloadSucceeded',
        message: 'all workers ended successfully',
        lastTransitionTime: '2026-01-01T01:00:00Z',
      },
    ],
  };
}

function pool() {
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
