import { expect } from 'chai';
import { toDecimal } from '../../../src/api/decimal.ts';
import { parseTrainingJob } from '../../../src/api/parse.ts';
import type { TrainingJobStatus } from '../../../src/api/training-job.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { changed, type JsonObject } from '../../unit/api/cases/case.ts';
import { FIXED_IN_GPU_POOL, FIXED_IN_TRAINING_JOB } from '../../unit/api/cases/fixed-fields.ts';
import { GPU_POOL_BASE } from '../../unit/api/cases/gpu-pool-cases.ts';
import { TRAINING_JOB_BASE } from '../../unit/api/cases/training-job-cases.ts';
import { clientWithCrds, GPU_POOLS, type LooseObject, refusalOf, TRAINING_JOBS } from './api-server.ts';

const named = (base: JsonObject, name: string, change: JsonObject = {}) =>
  changed(changed(base, change), { metadata: { name } }) as unknown as LooseObject;

const FREE_IN_TRAINING_JOB: Record<string, JsonObject> = {
  mode: { mode: 'Auto' },
  suspend: { suspend: true },
  'the bounds of workers': { elasticity: { minReplicas: 1, maxReplicas: 8 } },
  'the bounds of the batch': { batch: { globalBatchSize: { min: 128, max: 1024 } } },
  'the learning rate rule': { batch: { learningRate: { rule: 'AdaScale' } } },
  'the work': { objective: { work: { steps: 30_000 } } },
  'the deadline': { objective: { deadline: '2027-01-01T00:00:00Z' } },
  'the budget': { budget: { cost: { amount: '100' } } },
  'the pools': { capacity: { pools: [{ name: 'a10g' }, { name: 't4' }] } },
};

/** Every group of the status, with values as the operator writes them. */
const STATUS: TrainingJobStatus = {
  observedGeneration: 1,
  state: 'Running',
  summary: { samplesPerSecond: '4,310', progress: '42%', eta: '3h10m', cost: '$118.40', ratePerHour: '$2.10' },
  replicas: 2,
  readyReplicas: 2,
  selector: 'stepwise.dev/training-job=api-test-status',
  workers: '2/2',
  gpus: 2,
  pool: 't4',
  batch: {
    globalBatchSize: 768,
    microBatchSize: 96,
    gradientAccumulationSteps: 4,
    dataParallelSize: 2,
    learningRateScale: toDecimal(Math.sqrt(3)),
    version: 7,
    appliedVersion: 6,
    appliedAtStep: 1200,
  },
  tuning: { version: 7, sentAt: '2026-11-23T12:00:00Z', ackDeadline: '2026-11-23T12:01:00Z' },
  resize: {
    phase: 'Starting',
    from: { replicas: 1, pool: 't4' },
    to: { replicas: 2, pool: 't4' },
    startedAt: '2026-11-23T12:00:00.123Z',
  },
  progress: { stepsCompleted: 9000, percent: 42, samplesPerSecond: toDecimal(4310.123456789), loss: toDecimal(1.9) },
  estimate: { secondsPerSample: { value: toDecimal(6.5e-5), low: toDecimal(6e-5), high: toDecimal(7e-5) } },
  cost: { currency: 'USD', accrued: toDecimal(118.4), toTarget: { value: '160', low: '150', high: '171.5' } },
  eta: { seconds: 11_400, low: 11_000, high: 12_000 },
  recommendation: { replicas: 1, globalBatchSize: 768, savingPercent: 7, message: 'one worker saves 7 %' },
  decisions: [
    {
      time: '2026-11-23T12:00:00Z',
      action: 'Resize',
      from: { replicas: 1 },
      to: { replicas: 2 },
      reason: 'DeadlineAtRisk',
      message: '1 to 2 workers: meets the deadline for $4 more',
    },
  ],
  restarts: 1,
  rescales: 1,
  bookkeeping: { evidence: '{"version":1}', rescaleTimes: ['2026-11-23T12:00:00Z'] },
  startTime: '2026-11-23T11:00:00Z',
  conditions: [
    {
      type: 'Running',
      status: 'True',
      reason: 'Training',
      message: '2 of 2 workers make steps',
      lastTransitionTime: '2026-11-23T11:00:00Z',
      observedGeneration: 1,
    },
  ],
};

const CREATED = [
  [TRAINING_JOBS, { namespace: 'default', name: 'api-test-fixed' }],
  [TRAINING_JOBS, { namespace: 'default', name: 'api-test-scaled' }],
  [TRAINING_JOBS, { namespace: 'default', name: 'api-test-status' }],
  [GPU_POOLS, { name: 'api-test-fixed' }],
] as const;

describe('updates at the API server', function () {
  this.timeout(600_000);
  let client: KubeClient;

  const removeAll = async () => {
    for (const [resource, at] of CREATED) await client.delete(resource, at);
  };

  before(async () => {
    client = await clientWithCrds();
    await removeAll();
    const labelled = { spec: { workload: { podTemplate: { metadata: { labels: { team: 'nlp' } } } } } };
    await client.create(TRAINING_JOBS, named(TRAINING_JOB_BASE, 'api-test-fixed', labelled));
    await client.create(
      TRAINING_JOBS,
      named(TRAINING_JOB_BASE, 'api-test-scaled', { spec: { elasticity: { maxReplicas: 4 } } }),
    );
    await client.create(TRAINING_JOBS, named(TRAINING_JOB_BASE, 'api-test-status'));
    await client.create(GPU_POOLS, named(GPU_POOL_BASE, 'api-test-fixed'));
  });

  after(removeAll);

  for (const [name, { change, field, says }] of Object.entries(FIXED_IN_TRAINING_JOB)) {
    it(`a TrainingJob keeps ${name}`, async () => {
      const patch = client.mergePatch(
        TRAINING_JOBS,
        { namespace: 'default', name: 'api-test-fixed' },
        { spec: change },
      );
      const refusal = await refusalOf(patch);
      const cause = refusal.details?.causes?.find((one) => one.field === field);
      expect(cause?.message, refusal.message).to.match(says);
    });
  }

  for (const [name, change] of Object.entries(FREE_IN_TRAINING_JOB)) {
    it(`a TrainingJob may change ${name}`, async () => {
      const at = { namespace: 'default', name: 'api-test-fixed' };
      const before = await client.get(TRAINING_JOBS, at);
      const after = await client.mergePatch(TRAINING_JOBS, at, { spec: change });
      expect(after.metadata.generation).to.equal((before?.metadata.generation ?? 0) + 1);
    });
  }

  for (const [name, { change, field, says }] of Object.entries(FIXED_IN_GPU_POOL)) {
    it(`a GPUPool keeps ${name}`, async () => {
      const refusal = await refusalOf(client.mergePatch(GPU_POOLS, { name: 'api-test-fixed' }, { spec: change }));
      const cause = refusal.details?.causes?.find((one) => one.field === field);
      expect(cause?.message, refusal.message).to.match(says);
    });
  }

  describe('scale of a TrainingJob', () => {
    const at = { namespace: 'default', name: 'api-test-scaled' };

    it('writes spec.replicas within the elasticity', async () => {
      await client.setScale(TRAINING_JOBS, at, { replicas: 3 });
      const job = parseTrainingJob(await client.get(TRAINING_JOBS, at));
      expect(job.spec.replicas).to.equal(3);
    });

    it('refuses a size outside the elasticity and says what to do', async () => {
      const refusal = await refusalOf(client.setScale(TRAINING_JOBS, at, { replicas: 5 }));
      expect(refusal.message).to.match(/spec\.replicas is outside spec\.elasticity: set it between/);
    });

    it('shows the replicas and the selector of the status', async () => {
      await client.mergePatchStatus(TRAINING_JOBS, at, {
        status: { replicas: 2, selector: 'stepwise.dev/training-job=api-test-scaled' },
      });
      const scale = await client.getScale(TRAINING_JOBS, at);
      expect(scale).to.include({
        replicas: 3,
        observedReplicas: 2,
        selector: 'stepwise.dev/training-job=api-test-scaled',
      });
    });
  });

  describe('status of a TrainingJob', () => {
    const at = { namespace: 'default', name: 'api-test-status' };

    it('is not written with the spec', async () => {
      await client.mergePatch(TRAINING_JOBS, at, { spec: { mode: 'Observe' }, status: { state: 'Forged' } });
      const job = parseTrainingJob(await client.get(TRAINING_JOBS, at));
      expect(job.spec.mode).to.equal('Observe');
      expect(job.status).to.equal(undefined);
    });

    it('does not write the spec, and comes back as it was written', async () => {
      const { metadata } = (await client.get(TRAINING_JOBS, at)) as LooseObject;
      await client.mergePatchStatus(TRAINING_JOBS, at, { spec: { mode: 'Auto' }, status: STATUS });
      const job = parseTrainingJob(await client.get(TRAINING_JOBS, at));
      expect(job.spec.mode).to.equal('Observe');
      expect(job.status).to.deep.equal(STATUS);
      expect(job.metadata.generation).to.equal(metadata.generation);
    });

    it('refuses numbers that are not decimal strings', async () => {
      const refusal = await refusalOf(
        client.mergePatchStatus(TRAINING_JOBS, at, { status: { progress: { loss: 1.9 } } }),
      );
      expect(refusal.message).to.contain('status.progress.loss');
    });

    it('refuses an eleventh decision', async () => {
      const decision = STATUS.decisions?.[0];
      const decisions = Array.from({ length: 11 }, () => decision);
      const refusal = await refusalOf(client.mergePatchStatus(TRAINING_JOBS, at, { status: { decisions } }));
      expect(refusal.message).to.match(/status\.decisions.*at most 10/);
    });
  });
});
