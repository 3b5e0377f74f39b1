import { expect } from 'chai';
import { believedNoise } from '../../../../src/core/estimate/job-prior.ts';
import { cholesky, inverse } from '../../../../src/core/estimate/linear-algebra.ts';
import { believedPeakBytes, largestBelievedMicroBatch } from '../../../../src/core/estimate/memory-belief.ts';
import { isContradicted } from '../../../../src/core/estimate/prior-conflict.ts';
import { LOG_PER_SAMPLE, PARAMETERS } from '../../../../src/core/estimate/step-time-prior.ts';
import { type NextRun, priorOf } from '../../../../src/core/profile/family.ts';
import { fromLowerTriangle, lowerTriangle } from '../../../../src/core/profile/run-record.ts';
import { aStepTimePoint } from '../../../support/a-job.ts';
import { aModel } from '../../../support/a-model.ts';
import { aRun, TRAINING } from '../../../support/a-run.ts';
import { trueStepSeconds } from '../../../support/simulated-trainer.ts';

const NEXT: NextRun = {
  pool: 'pool',
  gpuType: 'nvidia-t4',
  memoryBytes: undefined,
  initialGlobalBatchSize: 64,
  initialMicroBatchSize: 32,
  targetLoss: undefined,
  model: undefined,
};

function sdOf(precision: readonly number[], index: number): number {
  const covariance = inverse(cholesky(precision, PARAMETERS), PARAMETERS);
  return Math.sqrt(covariance[index * (PARAMETERS + 1)] ?? Number.NaN);
}

describe('what a family tells of the next run', () => {
  const twice = [aRun({ uid: 'a' }, TRAINING), aRun({ uid: 'b' }, TRAINING)];

  it('is nothing without runs and without a model', () => expect(priorOf([], NEXT)).to.equal(undefined));

  it('is the step time of its runs, with the doubt between runs', () => {
    const { stepTime, source, largestDataParallelSize } = priorOf(twice, NEXT) ?? expect.fail();
    expect(source).to.equal('Family');
    expect(largestDataParallelSize).to.equal(2);
    expect(Math.exp(stepTime?.logMeans[LOG_PER_SAMPLE] ?? 0)).to.be.closeTo(0.01, 0.001);
    // A run differs from its family by 15 % or so, however many there were.
    expect(sdOf(stepTime?.logPrecision ?? [], LOG_PER_SAMPLE)).to.be.within(0.1, 0.25);
  });

  it('is less sure where runs differ', () => {
    const slower = { ...TRAINING, overheadSeconds: 0.15, secondsPerSample: 0.03 };
    const apart = priorOf([aRun({ uid: 'a' }, TRAINING), aRun({ uid: 'b' }, slower)], NEXT) ?? expect.fail();
    expect(sdOf(apart.stepTime?.logPrecision ?? [], LOG_PER_SAMPLE)).to.be.greaterThan(0.4);
  });

  it('is scaled to GPUs that no run was on, and doubted more', () => {
    const own = priorOf(twice, NEXT) ?? expect.fail();
    const other = priorOf(twice, { ...NEXT, gpuType: 'nvidia-a100', model: aModel() }) ?? expect.fail();
    expect(other.source).to.equal('OtherGpu');
    expect(other.largestDataParallelSize).to.equal(0);
    const shift = (own.stepTime?.logMeans[LOG_PER_SAMPLE] ?? 0) - (other.stepTime?.logMeans[LOG_PER_SAMPLE] ?? 0);
    expect(shift).to.be.closeTo(Math.log((312 / 65) * (1555 / 320)) / 2, 1e-6);
    const doubt = sdOf(other.stepTime?.logPrecision ?? [], LOG_PER_SAMPLE);
    expect(doubt).to.be.greaterThan(0.35);
    const undeclared = priorOf(twice, { ...NEXT, gpuType: 'nvidia-a100' }) ?? expect.fail();
    expect(sdOf(undeclared.stepTime?.logPrecision ?? [], LOG_PER_SAMPLE)).to.be.greaterThan(doubt);
  });

  it('is the declared model where no run was timed', () => {
    const prior = priorOf([aRun()], { ...NEXT, model: aModel() }) ?? expect.fail();
    expect(prior.source).to.equal('Model');
    expect(prior.stepTime).not.to.equal(undefined);
  });

  it('follows the noise scale along the runs', () => {
    const noise = [1e4, 1e5, 1e6].map((referenceSamples) => ({
      referenceSamples,
      gradientNoiseScale: 100 * (referenceSamples / 1e4) ** 0.5,
    }));
    const prior = priorOf([aRun({ noise })], NEXT) ?? expect.fail();
    const at = (samples: number) => Math.exp(believedNoise(prior.noise ?? expect.fail(), samples).logMean);
    expect(at(1e4)).to.be.closeTo(100, 1);
    expect(at(1e6)).to.be.closeTo(1000, 10);
  });

  it('counts the work of runs to the same target only, at the batch of the next run', () => {
    const run = aRun({ targetLoss: 1.5, noise: [{ referenceSamples: 1e6, gradientNoiseScale: 1000 }] });
    expect(priorOf([run], NEXT)?.work).to.equal(undefined);
    const same = priorOf([run], { ...NEXT, targetLoss: 1.5 })?.work ?? expect.fail();
    expect(Math.exp(same.logMean)).to.be.closeTo(1e6, 1);
    // S(B) is proportional to B_noise + B in samples.
    const larger = priorOf([run], { ...NEXT, targetLoss: 1.5, initialGlobalBatchSize: 564 })?.work ?? expect.fail();
    expect(Math.exp(larger.logMean)).to.be.closeTo(1e6 * (1564 / 1064), 1);
  });

  describe('of memory, where all runs had one micro batch', () => {
    const GIGABYTES = 1e9;
    const run = aRun({ memory: [{ microBatchSize: 16, usedBytes: 40 * GIGABYTES }] });
    const memoryOf = (next: Partial<NextRun>) => priorOf([run], { ...NEXT, ...next })?.memory ?? expect.fail();
    const on = (gigabytes: number, next: Partial<NextRun> = {}) =>
      largestBelievedMicroBatch(memoryOf({ memoryBytes: gigabytes * GIGABYTES, ...next }), 1, 0.1);

    it('is no less for a smaller micro batch: what of it is state, nobody knows', () => {
      expect(on(16)).to.equal(0);
      expect(believedPeakBytes(memoryOf({}), 1, 1).value).to.be.closeTo(40 * GIGABYTES, 1e3);
    });

    it('grows at most in proportion for a larger one', () => {
      expect(on(80)).to.be.within(16, 31);
      expect(believedPeakBytes(memoryOf({}), 1, 32).value).to.be.closeTo(80 * GIGABYTES, 1e3);
    });

    it('falls as the declared activations do, where a model is declared', () => {
      const model = aModel({ activationBytesPerSample: 2 * GIGABYTES });
      expect(believedPeakBytes(memoryOf({ model }), 1, 16).value).to.be.closeTo(40 * GIGABYTES, 1e3);
      expect(believedPeakBytes(memoryOf({ model }), 1, 1).value).to.be.closeTo(10 * GIGABYTES, 1e3);
      expect(on(24, { model })).to.be.within(1, 6);
      expect(on(8, { model })).to.equal(0);
    });
  });

  it('holds no posterior that is none', () => {
    const broken = {
      logMeans: [0, 0, 0, 0, 0, 0, 0],
      logCovariance: new Array<number>(28).fill(1),
      largestDataParallelSize: 1,
    };
    expect(priorOf([aRun({ stepTime: broken })], NEXT)).to.equal(undefined);
  });

  it('stores a symmetric matrix by half', () => {
    const matrix = [4, 1, 2, 1, 5, 3, 2, 3, 6];
    expect(lowerTriangle(matrix, 3)).to.deep.equal([4, 1, 5, 2, 3, 6]);
    expect(fromLowerTriangle(lowerTriangle(matrix, 3), 3)).to.deep.equal(matrix);
  });

  it('is contradicted by a run that takes three times as long, and not by its own', () => {
    const { stepTime } = priorOf(twice, NEXT) ?? expect.fail();
    const layout = { dataParallelSize: 1, microBatchSize: 16, gradientAccumulationSteps: 1 };
    const timed = (factor: number) => [
      aStepTimePoint({ ...layout, meanSeconds: factor * trueStepSeconds(TRAINING, layout) }),
    ];
    expect(isContradicted(timed(1), stepTime ?? expect.fail())).to.equal(false);
    expect(isContradicted(timed(1.2), stepTime ?? expect.fail())).to.equal(false);
    expect(isContradicted(timed(3), stepTime ?? expect.fail())).to.equal(true);
    expect(isContradicted(timed(1 / 3), stepTime ?? expect.fail())).to.equal(true);
  });
});
