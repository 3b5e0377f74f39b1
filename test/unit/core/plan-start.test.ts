import { expect } from 'chai';
import { globalBatchSize } from '../../../src/core/configuration.ts';
import type { JobPrior } from '../../../src/core/estimate/job-prior.ts';
import { planStart } from '../../../src/core/plan-start.ts';
import { type NextRun, priorOf } from '../../../src/core/profile/family.ts';
import type { PoolSnapshot } from '../../../src/core/snapshot.ts';
import { aJob, aPool, type JobParts, NOW } from '../../support/a-job.ts';
import { aModel } from '../../support/a-model.ts';
import { aRun, TRAINING } from '../../support/a-run.ts';

const GIB = 2 ** 30;
const LIMITS = {
  maxReplicas: 8,
  canRescale: true,
  initialGlobalBatchSize: 64,
  initialMicroBatchSize: 32,
  minGlobalBatchSize: 64,
  maxGlobalBatchSize: 4096,
  work: { type: 'ReferenceSamples', referenceSamples: 1_000_000 },
} as const;

const NOISE = [
  { referenceSamples: 1e5, gradientNoiseScale: 1000 },
  { referenceSamples: 1e6, gradientNoiseScale: 4000 },
];
const RUNS = ['a', 'b'].map((uid) => aRun({ uid, noise: NOISE, batchBand: { lowest: 64, highest: 512 } }, TRAINING));

function believed(parts: Partial<NextRun> = {}, runs = RUNS): readonly JobPrior[] {
  const prior = priorOf(runs, {
    pool: 'pool',
    gpuType: 'nvidia-t4',
    memoryBytes: undefined,
    initialGlobalBatchSize: 64,
    initialMicroBatchSize: 32,
    targetLoss: undefined,
    model: undefined,
    ...parts,
  });
  return prior === undefined ? [] : [prior];
}

function startOf(job: JobParts = {}, priors = believed(), pools: readonly PoolSnapshot[] = [aPool()]) {
  return planStart({ now: NOW, job: { ...aJob({ ...job, limits: { ...LIMITS, ...job.limits } }), priors }, pools });
}

describe('planning a start', () => {
  it('starts on the fewest workers where only cost counts, at a batch that the family came to its end with', () => {
    const { options, endIsKnown } = startOf();
    const [best] = options;
    expect(best?.verdict).to.equal('Chosen');
    expect(best?.evaluation.configuration.replicas).to.equal(1);
    expect(globalBatchSize(best?.evaluation.configuration ?? expect.fail())).to.be.within(65, 512);
    expect(endIsKnown).to.equal(true);
    expect(options.slice(1).every(({ verdict }) => verdict === 'Dearer')).to.equal(true);
  });

  it('takes more workers for a deadline, and says what misses it', () => {
    const alone = startOf().options[0]?.evaluation.secondsToTarget.value ?? expect.fail();
    const { options } = startOf({ limits: { deadline: NOW + 0.8 * alone } });
    expect(options[0]?.evaluation.configuration.replicas).to.be.greaterThan(1);
    expect(options.find(({ evaluation }) => evaluation.configuration.replicas === 1)?.verdict).to.equal(
      'MissesDeadline',
    );
  });

  it('names the earliest deadline where none can be kept', () => {
    const { options, earliestDeadline } = startOf({ limits: { deadline: NOW + 60 } });
    expect(options[0]?.evaluation.meetsDeadline).to.equal(false);
    expect(
      startOf({ limits: { deadline: (earliestDeadline ?? 0) + 1 } }).options[0]?.evaluation.meetsDeadline,
    ).to.equal(true);
  });

  it('trusts a family up to twice the ranks that it was timed with', () => {
    const sizes = startOf().options.map(({ evaluation }) => evaluation.configuration.replicas);
    expect(Math.max(...sizes)).to.equal(4);
  });

  it('keeps the batch where nobody knows the noise scale, or the user does not leave it to Stepwise', () => {
    const quiet = RUNS.map((run) => ({ ...run, noise: [] }));
    for (const plan of [startOf({}, believed({}, quiet)), startOf({ limits: { batchMode: 'Recommend' } })]) {
      const batches = plan.options.map(({ evaluation }) => globalBatchSize(evaluation.configuration));
      expect(new Set(batches)).to.deep.equal(new Set([64]));
    }
  });

  it('starts as asked what the user wants left alone', () => {
    const sizesOf = (parts: JobParts) =>
      startOf(parts).options.map(({ evaluation }) => evaluation.configuration.replicas);
    const asked = { initialReplicas: 2 };
    expect(sizesOf({ limits: { ...asked, canRescale: false } })).to.deep.equal([2]);
    expect(sizesOf({ limits: asked, held: { everything: true } })).to.deep.equal([2]);
    expect(Math.max(...sizesOf({ limits: asked, held: { scaleUp: true } }))).to.equal(2);
    expect(Math.min(...sizesOf({ limits: asked, held: { scaleDown: true } }))).to.equal(2);
    const [best] = startOf({ held: { batch: true } }).options;
    expect(globalBatchSize(best?.evaluation.configuration ?? expect.fail())).to.equal(64);
  });

  it('splits the batch so that memory is not exceeded', () => {
    const model = aModel();
    const [best] = startOf({}, believed({ model, memoryBytes: 16 * GIB }, [])).options;
    const { high = Number.NaN } = best?.peakBytes ?? {};
    expect(high).to.be.at.most(0.9 * 16 * GIB);
  });

  it('does not start where not even one sample fits, and says what it needs', () => {
    const model = aModel({ parameters: 7e9 });
    const { options, refused } = startOf({}, believed({ model, memoryBytes: 16 * GIB }, []));
    expect(options).to.deep.equal([]);
    expect(refused[0]?.reason).to.equal('NoMemory');
    expect(refused[0]?.message).to.match(/one sample needs 1\d\d\.\d GiB .*a GPU has 16\.0 GiB/);
  });

  it('lets sharding find room among more ranks', () => {
    const model = aModel({ parameters: 3e9, sharding: 'Parameters' });
    const sizes = startOf({}, believed({ model, memoryBytes: 16 * GIB }, [])).options.map(
      ({ evaluation }) => evaluation.configuration.replicas,
    );
    expect(Math.min(...sizes)).to.be.greaterThan(2);
  });

  it('says so where nothing is known, where there is no room, and where the policy allows no price', () => {
    expect(startOf({}, []).refused[0]?.reason).to.equal('NothingKnown');
    expect(startOf({ limits: { pools: ['none'] } }).refused[0]?.message).to.equal('there is no GPUPool none');
    expect(startOf({}, believed(), [aPool({ foreignGpus: 16 })]).refused[0]?.reason).to.equal('NoRoom');
    expect(startOf({ limits: { maxPricePerHour: 1 } }).refused[0]?.reason).to.equal('TooDear');
  });

  it('chooses the pool that is cheaper to the end', () => {
    const own = believed();
    const fast = believed({ pool: 'fast', gpuType: 'nvidia-a100' });
    const pools = (price: number) => [aPool(), aPool({ name: 'fast', pricePerNodeHour: price })];
    const chosen = (price: number) =>
      startOf({ limits: { pools: ['pool', 'fast'] } }, [...own, ...fast], pools(price)).options[0]?.evaluation
        .configuration.pool;
    expect(chosen(3.6)).to.equal('fast');
    expect(chosen(100)).to.equal('pool');
  });
});
