import { expect } from 'chai';
import { advance } from '../../../../src/controllers/training-job/advance.ts';
import { aJobView } from '../../../support/a-job-view.ts';

describe('the tuning that a run started with', () => {
  const unanswered = { configVersion: 0, steps: 40 };

  it('is waited for once steps are made, so that a trainer that never reads it is found out', () => {
    const { status, moves } = advance(aJobView({ reading: unanswered }));
    expect(status.tuning?.version).to.equal(3);
    expect(status.conditions?.find(({ type }) => type === 'ConfigInSync')?.reason).to.equal('WaitingForAck');
    expect(moves).to.deep.equal([]);
  });

  it('is not waited for while no step is made: the trainer may still be loading', () => {
    const { status } = advance(aJobView({ reading: { ...unanswered, steps: 0 } }));
    expect(status.tuning).to.equal(undefined);
  });

  it('is not waited for again by a trainer that was found silent', () => {
    const bookkeeping = { unacknowledgedSince: '2025-12-31T23:00:00Z' };
    expect(advance(aJobView({ reading: unanswered, status: { bookkeeping } })).status.tuning).to.equal(undefined);
  });
});
