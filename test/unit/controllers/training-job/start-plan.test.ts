import { expect } from 'chai';
import type { Mode } from '../../../../src/api/training-job.ts';
import type { GpuPoolObject } from '../../../../src/controllers/kinds.ts';
import { advance } from '../../../../src/controllers/training-job/advance.ts';
import { startPlanFor } from '../../../../src/controllers/training-job/start-plan.ts';
import type { JobView } from '../../../../src/controllers/training-job/view.ts';
import { priorsFor } from '../../../../src/controllers/training-profile/priors-for.ts';
import { fromRunRecord } from '../../../../src/controllers/training-profile/run-codec.ts';
import { aClusterView } from '../../../support/a-cluster-view.ts';
import { ago, aJobView } from '../../../support/a-job-view.ts';
import { aRun, TRAINING } from '../../../support/a-run.ts';
import { aGpuPool } from '../../../support/a-training-job.ts';

const RUNS = ['a', 'b'].map((uid) =>
  aRun(
    {
      uid,
      initialGlobalBatchSize: 256,
      batchBand: { lowest: 256, highest: 1024 },
      noise: [{ referenceSamples: 1e6, gradientNoiseScale: 8000 }],
      memory: [
        { microBatchSize: 16, usedBytes: 2e9 },
        { microBatchSize: 32, usedBytes: 2.2e9 },
      ],
    },
    { ...TRAINING, overheadSeconds: 1 },
  ),
);

function unstarted(mode: Mode, known = true, pools: readonly GpuPoolObject[] = []): JobView {
  const cluster = aClusterView({});
  const view = aJobView({
    workers: 0,
    tuning: undefined,
    reading: undefined,
    job: {
      spec: {
        mode,
        prediction: { family: 'bert' },
        objective: { work: { type: 'Samples', samples: 1_000_000 } },
        ...(pools.length === 0 ? {} : { capacity: { pools: pools.map(({ metadata }) => ({ name: metadata.name })) } }),
      },
    },
    view: { workerJob: undefined },
  });
  const profile = {
    apiVersion: 'stepwise.dev/v1alpha1',
    kind: 'TrainingProfile',
    metadata: { name: 'bert' },
    spec: { runs: known ? RUNS.map(fromRunRecord) : [] },
  } as const;
  const limits = {
    ...view.limits,
    mode,
    ...(pools.length === 0 ? {} : { pools: pools.map(({ metadata }) => metadata.name) }),
  };
  const asked = { ...view, limits, ...(pools.length === 0 ? {} : { pools, pool: pools[0] }) };
  const priors = priorsFor(view.job, limits, asked.pools, profile as never);
  return { ...asked, startPlan: () => startPlanFor(cluster, asked, priors) };
}

describe('a start that can be forecast', () => {
  it('is decided on before anything is made in Auto', () => {
    const draft = advance(unstarted('Auto'));
    expect(draft.moves).to.deep.equal([]);
    const { prediction, replicas, pool } = draft.status;
    expect(prediction?.source).to.equal('Family');
    expect(pool).to.equal('t4');
    expect(replicas).to.equal(prediction?.allocation?.replicas);
    expect(Number(prediction?.cost?.low)).to.be.lessThan(Number(prediction?.cost?.high));
    expect(draft.events.map(({ reason }) => reason)).to.deep.equal(['StartPlanned']);
  });

  it('is carried out by the next look, with the batch that was decided on', () => {
    const view = unstarted('Auto');
    const { status } = advance(view);
    const draft = advance({ ...view, status, job: { ...view.job, status } });
    expect(draft.moves.map(({ type }) => type)).to.deep.equal(['WriteTuning', 'CreateWorkload']);
    const [tuning] = draft.moves;
    if (tuning?.type !== 'WriteTuning') throw new Error('the tuning is written first');
    expect(tuning.tuning.globalBatchSize).to.equal(status.prediction?.allocation?.globalBatchSize);
    expect(tuning.tuning.globalBatchSize).to.be.greaterThan(256);
    expect(draft.status.decisions?.[0]?.message).to.match(/^started as forecast to be best/);
  });

  describe('where the cheaper pool has just failed to deliver nodes', () => {
    const fine = aGpuPool({ name: 'fine' });
    const cheap = (status: GpuPoolObject['status']) =>
      aGpuPool({
        name: 'cheap',
        spec: { cost: { pricePerNodeHour: '0.10' } },
        ...(status === undefined ? {} : { status }),
      });
    const chosenAmong = (pools: readonly GpuPoolObject[]) => advance(unstarted('Auto', true, pools)).status.pool;

    it('is not sent there', () => {
      expect(chosenAmong([fine, cheap(undefined)])).to.equal('cheap');
      expect(chosenAmong([fine, cheap({ stockOutUntil: ago(-60) })])).to.equal('fine');
    });

    it('is sent there once it may be asked again', () => {
      expect(chosenAmong([fine, cheap({ stockOutUntil: ago(1) })])).to.equal('cheap');
    });
  });

  it('is carried out where the policy allows its price, though not that of what its user asked for', () => {
    const dear = aGpuPool({
      name: 'fast',
      spec: { accelerator: { type: 'nvidia-a100' }, gpusPerNode: 1, cost: { pricePerNodeHour: '2.00' } },
    });
    const asked = unstarted('Auto', true, [aGpuPool({ spec: { cost: { pricePerNodeHour: '4.00' } } }), dear]);
    // Two workers on T4 share a node; on the other pool they would take two.
    const view = { ...asked, limits: { ...asked.limits, maxPricePerHour: 3.5 }, pool: dear };
    const status = { ...asked.status, pool: 'fast', replicas: 1 };
    const draft = advance({ ...view, status, job: { ...view.job, status } });
    expect(draft.status.conditions?.find(({ type }) => type === 'Accepted')?.status).to.equal('True');
  });

  it('is not held against a pool that is priced in another currency, and the budget with it', () => {
    const yen = aGpuPool({ name: 'yen', spec: { cost: { pricePerNodeHour: '0.50', currency: 'JPY' } } });
    expect(advance(unstarted('Auto', true, [aGpuPool(), yen])).status.pool).to.equal('t4');
  });

  it('is only told in Recommend, and the run starts as its user asked', () => {
    const draft = advance(unstarted('Recommend'));
    expect(draft.status.prediction?.allocation?.globalBatchSize).to.be.greaterThan(256);
    const [tuning] = draft.moves;
    if (tuning?.type !== 'WriteTuning') throw new Error('the run is started');
    expect(tuning.tuning.globalBatchSize).to.equal(256);
    expect(draft.status.replicas).to.equal(2);
  });

  it('is not told in Observe, nor where nothing is known', () => {
    expect(advance(unstarted('Observe')).status.prediction).to.equal(undefined);
    const draft = advance(unstarted('Auto', false));
    expect(draft.status.prediction).to.equal(undefined);
    expect(draft.moves.map(({ type }) => type)).to.deep.equal(['WriteTuning', 'CreateWorkload']);
  });
});
