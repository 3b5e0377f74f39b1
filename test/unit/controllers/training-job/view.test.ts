import { expect } from 'chai';
import { configurationAtWork, currentConfiguration, shapeOf } from '../../../../src/controllers/training-job/view.ts';
import { aJobView, aTuning } from '../../../support/a-job-view.ts';

describe('the nodes of a configuration', () => {
  const limits = aJobView().limits;
  const table = [
    { name: 'one while the workers fit on it', gpusPerNode: 4, ranks: 4, want: 1 },
    { name: 'another for the first worker that does not', gpusPerNode: 4, ranks: 5, want: 2 },
    { name: 'one for each worker where nodes have one GPU', gpusPerNode: 1, ranks: 3, want: 3 },
  ];
  for (const { name, gpusPerNode, ranks, want } of table) {
    it(name, () => {
      const tuning = aTuning({ dataParallelSize: ranks });
      const shape = { name: 't4', gpusPerNode };
      expect(currentConfiguration({ limits, tuning, tunedReplicas: ranks, shape }).nodes).to.equal(want);
    });
  }

  it('are as many as workers on a pool that is gone', () => {
    const { nodes, pool } = configurationAtWork(aJobView(), shapeOf(undefined, 'gone'));
    expect({ nodes, pool }).to.deep.equal({ nodes: 2, pool: 'gone' });
  });
});
