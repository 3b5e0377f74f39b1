import { expect } from 'chai';
import { nodesFor, ratePerHour } from '../../../../src/core/model/cost-rate.ts';
import { aPool } from '../../../support/a-job.ts';

describe('ratePerHour', () => {
  const eight = { gpusPerNode: 8, pricePerNodeHour: 16 };
  const table = [
    { name: 'whole nodes when billed by node', billing: 'Node', replicas: 9, gpus: 1, want: 32 },
    { name: 'the share when billed by GPU', billing: 'Gpu', replicas: 9, gpus: 1, want: 18 },
    { name: 'workers do not span nodes', billing: 'Node', replicas: 3, gpus: 3, want: 32 },
    { name: 'a worker without GPU takes a node of its own', billing: 'Gpu', replicas: 2, gpus: 0, want: 32 },
  ] as const;
  for (const { name, billing, replicas, gpus, want } of table) {
    it(name, () => expect(ratePerHour(aPool({ ...eight, billing }), replicas, gpus)).to.equal(want));
  }

  it('fills a node before the next', () => expect(nodesFor(aPool(eight), 8, 1)).to.equal(1));
});
