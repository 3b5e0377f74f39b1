import { expect } from 'chai';
import type { ClusterView } from '../../../../src/controllers/cluster-view.ts';
import { FleetBooks, type Look } from '../../../../src/controllers/fleet/books.ts';
import type { GpuPoolObject } from '../../../../src/controllers/kinds.ts';
import { NEW_ACCOUNT } from '../../../../src/core/account/job-account.ts';
import type { ObjectStore } from '../../../../src/kube/object-store.ts';
import { aClusterView, aNode, aPod } from '../../../support/a-cluster-view.ts';
import { aGpuPool, type GpuPoolParts } from '../../../support/a-training-job.ts';

const HOUR = 3600;
const START = 1_000_000;

const aLook = (cluster: ClusterView, now: number): Look => ({
  cluster,
  views: [],
  gpus: [],
  electricityOf: () => undefined,
  accountOf: () => NEW_ACCOUNT,
  now,
});

/** Two nodes of two GPUs: a job holds one GPU, a stranger another, and one node stands empty. */
function aFleet(cost: NonNullable<GpuPoolParts['spec']>['cost']) {
  const pool = aGpuPool({ spec: { cost: { pricePerNodeHour: '4', ...cost } } });
  const cluster = aClusterView({
    pools: [pool],
    nodes: [aNode('one'), aNode('two')],
    pods: [aPod('own', { node: 'one', job: 'bert' }), aPod('other', { node: 'one' })],
  });
  return { pool, cluster, books: new FleetBooks() };
}

describe('the books of a fleet', () => {
  for (const { billing, bill } of [
    { billing: 'Node', bill: { jobs: 2, foreign: 2, unclaimed: 4 } },
    { billing: 'Gpu', bill: { jobs: 2, foreign: 2, unclaimed: 0 } },
  ] as const) {
    it(`bill a pool as the invoice does, by the ${billing}`, () => {
      const { cluster, books } = aFleet({ pricePerNodeHour: '4', billing });
      books.settle(aLook(cluster, START));
      const [told] = books.settle(aLook(cluster, START + HOUR)).bills;
      expect(told).to.include(bill);
    });
  }

  it('bill GPUs that their holder alone has of a node for what they are, where GPUs are billed', () => {
    const { cluster, books } = aFleet({ pricePerNodeHour: '4', billing: 'Gpu' });
    (cluster.pods as unknown as ObjectStore<ReturnType<typeof aPod>>).remove('team/other');
    books.settle(aLook(cluster, START));
    const [told] = books.settle(aLook(cluster, START + HOUR)).bills;
    expect(told).to.include({ jobs: 2, foreign: 0, unclaimed: 0 });
  });

  it('forget who held the nodes of a pool that is gone', () => {
    const { pool, cluster, books } = aFleet({ pricePerNodeHour: '4' });
    books.settle(aLook(cluster, START));
    expect([...books.lastHolders]).to.deep.equal(['team/bert']);
    (cluster.pools as unknown as ObjectStore<GpuPoolObject>).remove(pool.metadata.name);
    books.settle(aLook(cluster, START + HOUR));
    expect([...books.lastHolders]).to.deep.equal([]);
  });
});
