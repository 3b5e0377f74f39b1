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

  const shared = [
    { name: 'a node to itself is paid for as a whole', replicas: 2, fillers: 0, want: 8 },
    { name: 'what another job fills is that job’s to pay', replicas: 2, fillers: 2, want: 4 },
    { name: 'what it fills in part, in part', replicas: 1, fillers: 1, want: 6 },
    { name: 'others with which it does not fit leave it its own', replicas: 2, fillers: 3, want: 8 },
    { name: 'a node that it fills costs what it costs', replicas: 4, fillers: 3, want: 8 },
    { name: 'beyond whole nodes only the rest is shared', replicas: 6, fillers: 2, want: 12 },
    { name: 'among many jobs it pays for its GPUs', replicas: 2, fillers: 4, want: 4 },
  ] as const;
  for (const { name, replicas, fillers, want } of shared) {
    const four = aPool({ gpusPerNode: 4, pricePerNodeHour: 8, billing: 'Node', fillers });
    it(`of nodes that are shared: ${name}`, () => expect(ratePerHour(four, replicas, 1)).to.equal(want));
  }

  it('fills a node before the next', () => expect(nodesFor(aPool(eight), 8, 1)).to.equal(1));
});
