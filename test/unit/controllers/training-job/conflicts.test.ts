import { expect } from 'chai';
import { advance } from '../../../../src/controllers/training-job/advance.ts';
import { aJobView } from '../../../support/a-job-view.ts';

const conflictOf = (draft: ReturnType<typeof advance>) =>
  draft.status.conditions?.find(({ type }) => type === 'ConflictingScaler');

describe('advance: a workload that someone else resized', () => {
  it('is put back to the size that its workers were told, and says who should be asked', () => {
    const view = aJobView();
    const workerJob = view.workerJob ?? expect.fail('the view has a workload');
    const resized = { ...workerJob, spec: { ...workerJob.spec, parallelism: 1 } };
    const draft = advance({ ...view, workerJob: resized });
    expect(draft.moves).to.deep.include({ type: 'SizeWorkload', replicas: 2, suspend: false });
    expect(conflictOf(draft)).to.include({ status: 'True', reason: 'WorkloadChangedByOther' });
    expect(conflictOf(draft)?.message).to.contain('from 2 to 1 workers').and.contain('spec.replicas');
  });

  it('is left alone while it has that size', () => {
    const draft = advance(aJobView());
    expect(draft.moves).to.deep.equal([]);
    expect(conflictOf(draft)).to.include({ status: 'False', reason: 'None' });
  });
});
