import { expect } from 'chai';
import type { TrainingJobStatus } from '../../../../src/api/training-job.ts';
import { trainingJobStatusSchema } from '../../../../src/api/training-job-status.ts';
import type { JobFindings } from '../../../../src/controllers/fleet/fleet-memory.ts';
import { advance } from '../../../../src/controllers/training-job/advance.ts';
import { reportFigures } from '../../../../src/controllers/training-job/figures.ts';
import { NEW_ACCOUNT } from '../../../../src/core/account/job-account.ts';
import { NO_EVIDENCE } from '../../../../src/core/estimate/evidence.ts';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import { aJob, aPool, evidenceOf } from '../../../support/a-job.ts';
import { aJobView, NOW, type ViewParts } from '../../../support/a-job-view.ts';
import { aReading } from '../../../support/a-reading.ts';

const layout = (microBatchSize: number) => ({ dataParallelSize: 1, microBatchSize, gradientAccumulationSteps: 1 });

/** Findings of a run that was watched long enough for a forecast. */
function findings(parts: { pricePerNodeHour?: number; loss?: number } = {}): JobFindings {
  const known = evidenceOf({
    overheadSeconds: 0.1,
    secondsPerSample: 0.001,
    gradientNoiseScale: 900,
    timed: [layout(16), layout(64)],
    referenceSamplesDone: 1_000_000,
  });
  const evidence = { ...known, last: aReading({ observedAt: NOW - 1, loss: parts.loss ?? 2.5 }) };
  const pool = aPool({ pricePerNodeHour: parts.pricePerNodeHour ?? 1 });
  const [decision] = planFleet({ now: NOW, jobs: [aJob({ evidence })], pools: [pool] }).decisions;
  return { uid: 'x', evidence, decision, decidedAt: NOW, account: { ...NEW_ACCOUNT, cost: 12.5, until: NOW } };
}

function figuresOf(view: ViewParts, found: JobFindings): TrainingJobStatus {
  const given = aJobView(view);
  const draft = advance(given);
  reportFigures(given, draft, found);
  return draft.status;
}

describe('the figures of a job', () => {
  it('are forecast while it runs', () => {
    const { eta, cost, summary, recommendation } = figuresOf({}, findings());
    expect(eta?.seconds).to.be.above(0);
    expect(Number(cost?.toTarget?.value)).to.be.above(0);
    expect(summary).to.include.keys('eta', 'forecast');
    expect(recommendation?.savingPercent).to.be.a('number');
  });

  it('record what was weighed, the chosen first', () => {
    const { recommendation, ...status } = figuresOf({}, findings());
    const options = recommendation?.options ?? [];
    expect(options[0]).to.include({ verdict: 'Chosen', globalBatchSize: recommendation?.globalBatchSize });
    expect(options.slice(1).map(({ verdict }) => verdict)).to.deep.equal(['Current']);
    for (const { costToTarget, eta, meetsDeadline } of options) {
      expect(Number(costToTarget?.value)).to.be.above(0);
      expect(eta?.seconds).to.be.above(0);
      expect(meetsDeadline).to.equal(true);
    }
    const written = { ...status, recommendation };
    expect(trainingJobStatusSchema.parse(written)).to.deep.equal(written);
  });

  it('tell no amounts of options while the end of the work is not known', () => {
    const found = findings();
    const { decision } = found;
    if (decision?.estimate === undefined) throw new Error('nothing was decided');
    const estimate = { ...decision.estimate, remainingWork: 'Assumed' as const };
    const { recommendation } = figuresOf({}, { ...found, decision: { ...decision, estimate } });
    expect(recommendation?.options).to.have.length.above(0);
    for (const option of recommendation?.options ?? []) expect(option).not.to.have.any.keys('costToTarget', 'eta');
  });

  it('are absent while nothing is known', () => {
    const found = {
      uid: 'x',
      evidence: NO_EVIDENCE,
      decision: undefined,
      decidedAt: undefined,
      account: NEW_ACCOUNT,
    };
    const status = figuresOf({}, found);
    expect(status).not.to.have.any.keys('eta', 'estimate', 'progress', 'recommendation');
    expect(status.cost).to.deep.equal({ currency: 'USD', accrued: '0' });
    expect(status.summary).to.deep.equal({ cost: '$0.0000' });
  });

  it('of a run that is complete say a hundred percent and forecast nothing', () => {
    const workerJobStatus = { conditions: [{ type: 'Complete', status: 'True' }] };
    const { eta, cost, summary, recommendation, progress } = figuresOf({ workers: 0, workerJobStatus }, findings());
    expect(progress?.percent).to.equal(100);
    expect(summary?.progress).to.equal('100%');
    expect(summary).not.to.have.any.keys('eta', 'forecast', 'ratePerHour');
    expect(cost).to.have.keys('currency', 'accrued', 'accruedUntil');
    expect([eta, recommendation]).to.deep.equal([undefined, undefined]);
  });

  it('of a run that has failed forecast nothing', () => {
    const workerJobStatus = { conditions: [{ type: 'Failed', status: 'True', reason: 'BackoffLimitExceeded' }] };
    expect(figuresOf({ workers: 0, workerJobStatus }, findings())).not.to.have.any.keys('eta', 'recommendation');
  });

  for (const loss of [Number.NaN, Number.POSITIVE_INFINITY, 1e30]) {
    it(`leave out a loss of ${loss}`, () => {
      expect(figuresOf({}, findings({ loss })).progress).not.to.have.property('loss');
    });
  }

  it('tell no saving where nothing costs anything', () => {
    const { recommendation } = figuresOf({}, findings({ pricePerNodeHour: 0 }));
    expect(JSON.stringify(recommendation ?? {})).not.to.contain('null');
  });
});
