import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { encodeEvidence } from '../../../../src/controllers/fleet/evidence-codec.ts';
import type { TrainingJobObject, TrainingProfileObject } from '../../../../src/controllers/kinds.ts';
import { profileKeyOf, TrainingProfileReconciler } from '../../../../src/controllers/training-profile/reconciler.ts';
import { fromRunRecord, toRunRecord } from '../../../../src/controllers/training-profile/run-codec.ts';
import { runOfJob } from '../../../../src/controllers/training-profile/run-of-job.ts';
import type { KubeClient } from '../../../../src/kube/kube-client.ts';
import { aClusterView } from '../../../support/a-cluster-view.ts';
import { evidenceOf } from '../../../support/a-job.ts';
import { aRun, TRAINING } from '../../../support/a-run.ts';
import { aGpuPool, aTrainingJob } from '../../../support/a-training-job.ts';

function ended(name: string, outcome: 'Complete' | 'Failed' = 'Complete'): TrainingJobObject {
  const evidence = {
    ...evidenceOf(TRAINING),
    noiseTrail: Array.from({ length: 20 }, (_, index) => ({
      referenceSamples: 1000 * 1.1 ** index,
      gradientNoiseScale: 500 + index,
      weight: 10,
    })),
    memory: [{ microBatchSize: 32, usedBytes: 4e9, limitBytes: 16e9 }],
  };
  const status: TrainingJobStatus = {
    pool: 't4',
    startTime: '2026-01-01T00:00:00Z',
    completionTime: '2026-01-01T01:00:00Z',
    cost: { currency: 'USD', accrued: '1.5' },
    batch: {
      globalBatchSize: 512,
      microBatchSize: 128,
      gradientAccumulationSteps: 2,
      dataParallelSize: 2,
      learningRateScale: '1',
      version: 4,
    },
    prediction: {
      madeAt: '2026-01-01T00:00:00Z',
      source: 'Model',
      cost: { value: '1.2' },
      seconds: { value: '4500' },
    },
    bookkeeping: { evidence: encodeEvidence(evidence) },
    conditions: [
      {
        type: outcome,
        status: 'True',
        reason: 'Ended',
        message: 'it ended',
        lastTransitionTime: '2026-01-01T01:00:00Z',
      },
    ],
  };
  return aTrainingJob({ name, spec: { prediction: { family: 'bert' } }, status });
}

function reconcilerOver(jobs: readonly TrainingJobObject[], profiles: readonly TrainingProfileObject[] = []) {
  const cluster = aClusterView({ trainingJobs: jobs, pools: [aGpuPool()], profiles });
  const written: { spec?: TrainingProfileObject['spec']; status?: TrainingProfileObject['status'] }[] = [];
  const store = async (_: unknown, object: TrainingProfileObject) => {
    written.push(object);
    return { ...profiles[0], ...object };
  };
  const patches: { readonly at: unknown; readonly patch: object }[] = [];
  const mergePatch = async (resource: unknown, at: unknown, patch: object) => {
    patches.push({ at, patch });
    return store(resource, patch as TrainingProfileObject);
  };
  const client = { apply: store, applyStatus: store, mergePatch } as unknown as KubeClient;
  const clock = { nowSeconds: () => 1_767_229_200, monotonicSeconds: () => 0 };
  return {
    reconciler: new TrainingProfileReconciler({ client, cluster, newestJob: (job) => job, ...clock }),
    written,
    patches,
  };
}

describe('the profile of a family', () => {
  it('is made with its first run, with what that taught', async () => {
    const { reconciler, written } = reconcilerOver([ended('bert-1')]);
    await reconciler.reconcile('team/bert');
    const [run] = written[0]?.spec?.runs ?? [];
    expect(run).to.include({
      job: 'bert-1',
      outcome: 'Complete',
      acceleratorType: 'nvidia-t4',
      replicas: 2,
      globalBatchSize: 512,
      seconds: '3600',
      cost: '1.5',
    });
    expect(run?.batchBand).to.deep.equal({ lowest: 8, highest: 512 });
    expect(run?.noise).to.have.length(8);
    expect(run?.noise.at(-1)?.gradientNoiseScale).to.equal('519');
    expect(run?.stepTime?.largestDataParallelSize).to.equal(2);
    const { status } = written[1] ?? {};
    expect(status).to.include({ runs: 1, completed: 1 });
    expect(status?.predictionError).to.deep.equal({ runs: 1, meanCostErrorPercent: 20, meanTimeErrorPercent: 25 });
    expect(status?.conditions?.[0]).to.include({ type: 'Usable', status: 'True', reason: 'Learned' });
  });

  it('is not written again while nothing new has ended', async () => {
    const first = reconcilerOver([ended('bert-1')]);
    await first.reconciler.reconcile('team/bert');
    const [{ spec } = {}, { status } = {}] = first.written;
    const known = { metadata: { name: 'bert', namespace: 'team' }, spec, status } as TrainingProfileObject;
    const second = reconcilerOver([ended('bert-1')], [known]);
    await second.reconciler.reconcile('team/bert');
    expect(second.written.filter((object) => object.spec !== undefined)).to.deep.equal([]);
  });

  it('replaces the list of runs that was read and no other, whoever owns it, so that the oldest makes room', async () => {
    const runs = Array.from({ length: 20 }, (_, index) => fromRunRecord(aRun({ uid: `old-${index}`, endedAt: index })));
    const metadata = { name: 'bert', namespace: 'team', resourceVersion: '41' };
    const known = { metadata, spec: { runs } } as unknown as TrainingProfileObject;
    const { reconciler, patches } = reconcilerOver([ended('bert-1')], [known]);
    await reconciler.reconcile('team/bert');
    const [{ at, patch } = expect.fail('nothing was stored')] = patches;
    expect(at).to.deep.equal({ namespace: 'team', name: 'bert' });
    const stored = patch as { metadata: object; spec: TrainingProfileObject['spec'] };
    expect(stored.metadata).to.deep.equal({ resourceVersion: '41' });
    expect(stored.spec.runs.map(({ uid }) => uid)).to.have.length(20);
    expect(stored.spec.runs.map(({ uid }) => uid)).not.to.include('old-0');
  });

  it('is not made by a run that goes on, or that is of no family', async () => {
    const running = aTrainingJob({ spec: { prediction: { family: 'bert' } }, status: { pool: 't4' } });
    const { reconciler, written } = reconcilerOver([running, aTrainingJob({ name: 'other' })]);
    await reconciler.reconcile('team/bert');
    expect(written).to.deep.equal([]);
    expect(profileKeyOf(running)).to.equal('team/bert');
    expect(profileKeyOf(aTrainingJob())).to.equal(undefined);
  });

  it('remembers a run that failed as one that failed', () => {
    expect(runOfJob(ended('bert-1', 'Failed'), [aGpuPool()])?.outcome).to.equal('Failed');
  });

  it('is stored without loss of what counts', () => {
    const run = aRun({ targetLoss: 1.25, restartSeconds: 48, predicted: { seconds: 3500, cost: 3.9 } }, TRAINING);
    const again = toRunRecord(fromRunRecord(run));
    expect({ ...again, stepTime: undefined }).to.deep.equal({ ...run, stepTime: undefined });
    again.stepTime?.logCovariance.forEach((value, at) => {
      expect(value).to.be.closeTo(run.stepTime?.logCovariance[at] ?? Number.NaN, 1e-8);
    });
  });
});
