import { expect } from 'chai';
import fc from 'fast-check';
import { globalBatchSize } from '../../../../src/core/configuration.ts';
import { estimateJob } from '../../../../src/core/estimate/estimate.ts';
import { nodesFor } from '../../../../src/core/model/cost-rate.ts';
import { listPlacements, microBatchCeiling } from '../../../../src/core/plan/candidates.ts';
import { isAllowed } from '../../../../src/core/plan/sizes.ts';
import type { JobSnapshot } from '../../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, evidenceOf, type JobParts } from '../../../support/a-job.ts';

/** A job whose step time, and noise scale unless null, are known. */
function measured(parts: JobParts = {}, noise: number | null = 10_000): JobSnapshot {
  const gradientNoiseScale = noise ?? undefined;
  const job = aJob(parts);
  const timed = [job.history.current];
  const evidence = evidenceOf({ overheadSeconds: 0.1, secondsPerSample: 0.001, gradientNoiseScale, timed });
  return { ...job, evidence: { ...evidence, ...parts.evidence } };
}

function candidates(job: JobSnapshot, pool = aPool()) {
  const estimate = estimateJob(job) ?? expect.fail('a step time was measured');
  const others = listPlacements(job, estimate, [pool]).flatMap(({ layouts }) => layouts);
  const found = [job.history.current, ...others];
  return { estimate, found };
}

const batches = (job: JobSnapshot) => candidates(job).found.map(globalBatchSize);

describe('listPlacements', () => {
  it('stays inside every limit', () => {
    const maybe = (min: number, max: number) => fc.option(fc.integer({ min, max }), { nil: undefined });
    const setting = fc.record({
      replicas: fc.integer({ min: 1, max: 6 }),
      gpusPerReplica: fc.integer({ min: 0, max: 3 }),
      passes: fc.integer({ min: 1, max: 4 }),
      micro: fc.integer({ min: 1, max: 64 }),
      growth: fc.integer({ min: 1, max: 8 }),
      multipleOf: fc.constantFrom(1, 2, 3, 8, 10, 64),
      maxFactor: fc.integer({ min: 1, max: 40 }),
      maxMicro: maybe(64, 200),
      ceiling: maybe(64, 100),
      globalCeilingFactor: maybe(1, 10),
      maxGpus: maybe(18, 40),
      memory: fc.boolean(),
      sizes: fc.constantFrom(
        { type: 'Any' } as const,
        { type: 'PowersOfTwo' } as const,
        { type: 'MultipleOf', multipleOf: 2 } as const,
        { type: 'List', values: [1, 5, 7] } as const,
      ),
      foreignGpus: fc.integer({ min: 0, max: 8 }),
      noise: fc.option(fc.integer({ min: 1, max: 100_000 })),
    });
    fc.assert(
      // biome-ignore lint/complexity/noExcessiveCognitiveComplexity: one plain check per limit reads best in one place
      fc.property(setting, (s) => {
        const ranks = s.replicas * Math.max(1, s.gpusPerReplica);
        const pool = aPool({ gpusPerNode: 4, maxNodes: 12, foreignGpus: s.foreignGpus });
        const current = aConfiguration({
          replicas: s.replicas,
          nodes: nodesFor(pool, s.replicas, s.gpusPerReplica),
          dataParallelSize: ranks,
          microBatchSize: s.micro,
          gradientAccumulationSteps: s.passes,
        });
        const now = globalBatchSize(current);
        const job = measured(
          {
            limits: {
              canRescale: true,
              maxReplicas: 12,
              sizes: s.sizes,
              gpusPerReplica: s.gpusPerReplica,
              maxGpus: s.maxGpus,
              initialGlobalBatchSize: now,
              minGlobalBatchSize: Math.max(1, Math.floor(now / 3)),
              maxGlobalBatchSize: now * s.maxFactor,
              globalBatchSizeMultipleOf: s.multipleOf,
              maxMicroBatchSize: s.maxMicro,
              maxBatchGrowthFactor: s.growth,
            },
            history: {
              current,
              microBatchSizeCeiling: s.ceiling,
              globalBatchSizeCeiling: s.globalCeilingFactor === undefined ? undefined : now * s.globalCeilingFactor,
            },
            ...(s.memory ? { evidence: { memory: [{ microBatchSize: 64, usedBytes: 64, limitBytes: 100 }] } } : {}),
          },
          s.noise,
        );
        const { estimate, found } = candidates(job, pool);
        const { limits, history } = job;
        for (const each of found) {
          if (each === current) continue;
          const batch = globalBatchSize(each);
          const frozen = s.noise === null;
          expect(batch).to.be.within(Math.min(now, limits.minGlobalBatchSize), limits.maxGlobalBatchSize);
          expect(batch).to.be.at.most(history.globalBatchSizeCeiling ?? batch);
          expect(batch % limits.globalBatchSizeMultipleOf).to.equal(0);
          expect(batch).to.be.at.most(now * s.growth);
          if (frozen) expect(batch).to.equal(now);
          expect(each.microBatchSize).to.be.at.most(Math.min(s.maxMicro ?? 1e9, s.ceiling ?? 1e9));
          if (s.memory) expect(each.microBatchSize).to.be.at.most(90);
          if (!s.memory && s.maxMicro === undefined) expect(each.microBatchSize).to.be.at.most(s.micro);
          expect(microBatchCeiling(job, estimate)).to.be.at.least(each.microBatchSize);
          expect(each.dataParallelSize).to.equal(each.replicas * Math.max(1, s.gpusPerReplica));
          expect(each.nodes).to.equal(nodesFor(pool, each.replicas, s.gpusPerReplica));
          if (each.replicas !== s.replicas) {
            expect(each.replicas).to.be.within(1, Math.min(12, 2 * s.replicas));
            expect(isAllowed(s.sizes, each.replicas)).to.equal(true);
            expect(each.replicas * s.gpusPerReplica).to.be.at.most(Math.min(48 - s.foreignGpus, s.maxGpus ?? 48));
          }
          for (const value of [each.microBatchSize, each.gradientAccumulationSteps]) {
            expect(Number.isInteger(value) && value >= 1, JSON.stringify(each)).to.equal(true);
          }
        }
      }),
      { numRuns: 150 },
    );
  });

  it('has a usable grid with a large multipleOf', () => {
    const limits = { globalBatchSizeMultipleOf: 48, initialGlobalBatchSize: 96, minGlobalBatchSize: 48 };
    const job = measured({ limits, history: { current: aConfiguration({ microBatchSize: 96 }) } });
    expect(new Set(batches(job)).size).to.be.at.least(7);
  });

  it('leaves what is too large at once, but grows by the factor only', () => {
    const job = measured({ history: { current: aConfiguration({ microBatchSize: 512 }) } });
    expect(Math.min(...batches(job))).to.equal(16);
    expect(Math.max(...batches(job))).to.equal(2048);
  });

  it('comes back under a maximum that was lowered', () => {
    const job = measured({
      limits: { maxGlobalBatchSize: 64 },
      history: { current: aConfiguration({ microBatchSize: 512 }) },
    });
    expect(batches(job).filter((batch) => batch <= 64)).to.not.be.empty;
  });

  const frozen: readonly { readonly name: string; readonly parts: JobParts; readonly noise: number | null }[] = [
    { name: 'batch mode Off', parts: { limits: { batchMode: 'Off' } }, noise: 10_000 },
    { name: 'a batch held by annotation', parts: { held: { batch: true } }, noise: 10_000 },
    { name: 'no gradient statistics', parts: {}, noise: null },
  ];
  for (const { name, parts, noise } of frozen) {
    it(`keeps the global batch over all sizes with ${name}`, () => {
      const limits = { canRescale: true, maxReplicas: 4, ...parts.limits };
      const current = aConfiguration({ replicas: 2, microBatchSize: 32 });
      const job = measured({ ...parts, limits, history: { current } }, noise);
      const { found } = candidates(job);
      expect(new Set(found.map(globalBatchSize))).to.eql(new Set([64]));
      expect(new Set(found.map(({ replicas }) => replicas))).to.eql(new Set([1, 2, 4]));
    });
  }

  it('does not resize against an annotation', () => {
    const sizes = (held: JobParts['held']) => {
      const history = { current: aConfiguration({ replicas: 2 }) };
      const job = measured({ limits: { canRescale: true, maxReplicas: 4 }, history, ...(held ? { held } : {}) });
      return [...new Set(candidates(job).found.map(({ replicas }) => replicas))].sort();
    };
    expect(sizes({})).to.eql([1, 2, 3, 4]);
    expect(sizes({ scaleUp: true })).to.eql([1, 2]);
    expect(sizes({ scaleDown: true })).to.eql([2, 3, 4]);
  });

  it('adds no worker past the price per hour that the administrator allows', () => {
    const sizes = (maxPricePerHour: number | undefined) => {
      const job = measured({ limits: { minReplicas: 1, maxReplicas: 4, canRescale: true, maxPricePerHour } });
      const { found } = candidates(job, aPool({ pricePerNodeHour: 1, gpusPerNode: 1, maxNodes: 4 }));
      return [...new Set(found.map(({ replicas }) => replicas))].sort();
    };
    expect(sizes(1.5)).to.deep.equal([1]);
    expect(sizes(undefined)).to.deep.equal([1, 2]);
  });
});
