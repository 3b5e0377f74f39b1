import { expect } from 'chai';
import { estimateJob } from '../../../../src/core/estimate/estimate.ts';
import type { Evidence } from '../../../../src/core/estimate/evidence.ts';
import { priorOf } from '../../../../src/core/profile/family.ts';
import type { JobLimits } from '../../../../src/core/snapshot.ts';
import { aJob, evidenceOf } from '../../../support/a-job.ts';
import { aModel } from '../../../support/a-model.ts';
import { aRun, TRAINING } from '../../../support/a-run.ts';

const GIB = 2 ** 30;
const RUNS = ['a', 'b'].map((uid) =>
  aRun(
    { uid, noise: [1e4, 1e5, 1e6].map((referenceSamples) => ({ referenceSamples, gradientNoiseScale: 3000 })) },
    TRAINING,
  ),
);

function estimated(evidence: Partial<Evidence>, limits: Partial<JobLimits> = {}, model = aModel()) {
  const prior = priorOf(RUNS, {
    pool: 'pool',
    gpuType: 'nvidia-t4',
    memoryBytes: 16 * GIB,
    initialGlobalBatchSize: 64,
    initialMicroBatchSize: 32,
    targetLoss: undefined,
    model,
  });
  const job = aJob({ evidence, limits: { initialGlobalBatchSize: 64, ...limits } });
  return estimateJob({ ...job, priors: prior === undefined ? [] : [prior] }) ?? expect.fail('something is believed');
}

describe('estimating a job of which something is believed', () => {
  it('is possible before a step was timed, and not without a belief', () => {
    expect(estimateJob(aJob())).to.equal(undefined);
    const { secondsPerSample, gradientNoiseScale } = estimated({});
    expect(secondsPerSample.low).to.be.lessThan(0.01);
    expect(secondsPerSample.high).to.be.greaterThan(0.01);
    expect(gradientNoiseScale?.value).to.be.within(1000, 9000);
  });

  it('becomes surer with measurements than either alone', () => {
    const one = { ...TRAINING, timed: TRAINING.timed.slice(0, 1) };
    const width = ({ low, high }: { low: number; high: number }) => Math.log(high / low);
    const both = estimated(evidenceOf(one)).secondsPerSample;
    expect(width(both)).to.be.lessThan(width(estimated({}).secondsPerSample));
    const alone = estimateJob(aJob({ evidence: evidenceOf(one), limits: { initialGlobalBatchSize: 64 } }));
    expect(width(both)).to.be.lessThan(width(alone?.secondsPerSample ?? expect.fail()));
  });

  it('forgets a history that is wrong as soon as a window contradicts it', () => {
    const slow = { ...TRAINING, overheadSeconds: 0.5, secondsPerSample: 0.1 };
    const with1 = estimated(evidenceOf(slow));
    const alone = estimateJob(aJob({ evidence: evidenceOf(slow), limits: { initialGlobalBatchSize: 64 } }));
    expect(with1.secondsPerSample).to.deep.equal(alone?.secondsPerSample);
  });

  it('believes the memory that was measured, whatever was declared', () => {
    const wrong = aModel({ parameters: 5e9 });
    const measured = { memory: [{ microBatchSize: 16, usedBytes: 4 * GIB, limitBytes: 16 * GIB }] };
    expect(estimated({}, {}, wrong).largestMicroBatchSize).to.equal(0);
    expect(estimated(measured, {}, wrong).largestMicroBatchSize).to.equal(57);
  });

  it('takes its own noise scale once that is known better than that of its family', () => {
    const own = estimated(evidenceOf({ ...TRAINING, gradientNoiseScale: 200 }));
    expect(own.gradientNoiseScale?.value).to.be.within(150, 260);
  });

  it('knows the end of the work by its family, where the job does not state it', () => {
    const { remainingWork, remainingReferenceSamples } = estimated({}, { work: { type: 'Unknown' } });
    expect(remainingWork).to.equal('Forecast');
    expect(remainingReferenceSamples.value).to.be.within(0.9e6, 1.1e6);
  });
});
