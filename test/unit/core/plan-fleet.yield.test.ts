import { expect } from 'chai';
import { planFleet } from '../../../src/core/plan-fleet.ts';
import type { JobLimits } from '../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, evidenceOf, NOW } from '../../support/a-job.ts';

/** Nodes of one GPU: as many as the two jobs hold, so that neither grows unless the other yields. */
const GPUS = 5;

const layout = (replicas: number) => ({
  dataParallelSize: replicas,
  microBatchSize: 256 / replicas,
  gradientAccumulationSteps: 1,
  nodes: replicas,
});

function aJobOn(key: string, replicas: number, limits: Partial<JobLimits>) {
  const { microBatchSize } = layout(replicas);
  const evidence = evidenceOf({
    overheadSeconds: 0.4,
    secondsPerSample: 0.004,
    synchronizationSeconds: 0.05,
    gradientNoiseScale: 900,
    timed: [layout(1), layout(2), layout(4)],
    referenceSamplesDone: 100_000,
  });
  return aJob({
    key,
    // The batch is fixed, so that only workers can be decided on.
    limits: {
      canRescale: true,
      maxReplicas: 4,
      sizes: { type: 'PowersOfTwo' },
      initialGlobalBatchSize: 256,
      minGlobalBatchSize: 256,
      maxGlobalBatchSize: 256,
      ...limits,
    },
    history: { current: aConfiguration({ replicas, microBatchSize }) },
    evidence: { ...evidence, cleanReadings: 20 },
  });
}

function decide(parts: {
  timeValuePerHour: number;
  deadlineInSeconds?: number;
  maxNodes?: number;
  minReplicas?: number;
}) {
  const work = { type: 'ReferenceSamples' as const, referenceSamples: 1_600_000 };
  const { timeValuePerHour, deadlineInSeconds = 7000, minReplicas = 1, maxNodes = GPUS } = parts;
  const patient = aJobOn('ns/patient', 4, { work, timeValuePerHour, minReplicas });
  const urgent = aJobOn('ns/urgent', 1, { work, deadline: NOW + deadlineInSeconds });
  const pool = aPool({ maxNodes, pricePerNodeHour: 0.5 });
  const { decisions } = planFleet({ now: NOW, jobs: [patient, urgent], pools: [pool] });
  const of = (key: string) => decisions.find((decision) => decision.key === key);
  return { patient: of('ns/patient'), urgent: of('ns/urgent') };
}

describe('planFleet: a job that would keep its GPUs', () => {
  it('yields them to one that would be late without', () => {
    const { patient, urgent } = decide({ timeValuePerHour: 4 });
    expect(patient).to.include({ action: 'Resize', reason: 'YieldsToOthers' });
    expect(patient?.target.replicas).to.equal(2);
    expect(patient?.message).to.contain('4→2 workers').and.to.contain('for jobs that need the GPUs more');
    // What is given back is free only once its pods are gone.
    expect(urgent).to.include({ action: 'Hold', reason: 'PoolFull' });
    expect(urgent?.deadlineAtRisk).to.equal(true);
  });

  for (const [why, parts] of [
    ['the other is in time without', { deadlineInSeconds: 20_000 }],
    ['there are enough for both', { maxNodes: 8 }],
    ['they are the least it may have', { minReplicas: 4 }],
    ['they are worth more to it', { timeValuePerHour: 100 }],
  ] as const) {
    it(`keeps them where ${why}`, () => {
      expect(decide({ timeValuePerHour: 4, ...parts }).patient?.target.replicas).to.equal(4);
    });
  }
});
