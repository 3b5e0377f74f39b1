import { expect } from 'chai';
import { waitsForFirstDecision } from '../../../../src/controllers/training-job/pause.ts';
import { ago, aJobView, NOW } from '../../../support/a-job-view.ts';

/** A job that may wait for hours and was never started. */
function waits(createdSecondsAgo: number, lookingSince: number | undefined): boolean {
  const view = aJobView({ job: { spec: { eco: { mode: 'Require' } } } });
  const metadata = { ...view.job.metadata, creationTimestamp: ago(createdSecondsAgo) };
  return waitsForFirstDecision({ ...view, job: { ...view.job, metadata }, workerJob: undefined, lookingSince });
}

describe('a job without a first decision', () => {
  it('waits for the planner, but not for ever', () => {
    expect(waits(30, NOW - 9000)).to.equal(true);
    expect(waits(300, NOW - 9000)).to.equal(false);
  });

  it('waits for that of an operator which has just begun, however long ago it was submitted', () => {
    expect(waits(300, NOW - 10)).to.equal(true);
    expect(waits(9000, NOW - 300)).to.equal(false);
  });
});
