import { expect } from 'chai';
import fc from 'fast-check';
import { Cluster, freeOn } from '../../../../src/simulator/cluster/cluster.ts';
import type { PoolSpec } from '../../../../src/simulator/scenario.ts';
import { aPoolSpec } from '../../../support/a-scenario.ts';

function aCluster(pool: PoolSpec, delivers = true): Cluster {
  return new Cluster({
    pools: [pool],
    delivers: () => delivers,
    lifetimeSeconds: () => Number.POSITIVE_INFINITY,
  });
}

describe('cluster', () => {
  it('fills whole nodes first, and the fullest node that takes the rest', () => {
    const pool = aPoolSpec({ gpusPerNode: 4, maxNodes: 4, kind: 'Paid' });
    const cluster = aCluster(pool);
    cluster.grant('small', pool, 2, 0);
    const large = cluster.grant('large', pool, 6, 0);
    expect(large?.parts.map(({ gpus }) => gpus)).to.deep.equal([4, 2]);
    expect(cluster.nodes.map(freeOn).sort()).to.deep.equal([0, 0, 4, 4]);
  });

  it('launches a node rather than tear a job apart', () => {
    const pool = aPoolSpec({ gpusPerNode: 4, maxNodes: 3, provisioningSeconds: 50 });
    const cluster = aCluster(pool);
    cluster.grant('a', pool, 3, 0);
    const grant = cluster.grant('b', pool, 2, 10);
    expect(grant?.parts).to.have.length(1);
    expect(grant?.parts[0]?.node.readyAt).to.equal(60);
  });

  it('grants nothing when there is too little, and keeps what was held', () => {
    const pool = aPoolSpec({ gpusPerNode: 2, maxNodes: 1 });
    const cluster = aCluster(pool);
    cluster.grant('a', pool, 1, 0);
    expect(cluster.grant('b', pool, 2, 0)).to.equal(undefined);
    expect(cluster.freeGpus(pool, 0)).to.equal(1);
  });

  it('launches nothing during a stock-out', () => {
    const pool = aPoolSpec();
    expect(aCluster(pool, false).freeGpus(pool, 0)).to.equal(0);
  });

  it('gives idle nodes back after their time, but not those that stay', () => {
    const pool = aPoolSpec({ gpusPerNode: 1, minNodes: 1, idleReleaseSeconds: 30 });
    const cluster = aCluster(pool);
    cluster.grant('a', pool, 3, 0);
    cluster.release('a', 100);
    cluster.releaseIdle(129);
    expect(cluster.nodes).to.have.length(3);
    expect(cluster.nextChangeAt(129)).to.equal(130);
    cluster.releaseIdle(130);
    expect(cluster.nodes).to.have.length(1);
  });

  it('never grants a GPU twice', () => {
    const requests = fc.array(
      fc.record({ job: fc.constantFrom('a', 'b', 'c', 'd'), gpus: fc.integer({ min: 0, max: 9 }) }),
    );
    fc.assert(
      fc.property(requests, (wanted) => {
        const pool = aPoolSpec({ gpusPerNode: 4, maxNodes: 3 });
        const cluster = aCluster(pool);
        for (const { job, gpus } of wanted) {
          cluster.release(job, 0);
          if (gpus > 0) cluster.grant(job, pool, gpus, 0);
          for (const node of cluster.nodes) expect(freeOn(node)).to.be.at.least(0);
          expect(cluster.nodes.length).to.be.at.most(3);
        }
      }),
    );
  });
});
