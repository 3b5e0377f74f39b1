import { expect } from 'chai';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import type { NodeSnapshot, PoolSnapshot } from '../../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, aSnapshot, evidenceOf, type JobParts, NOW } from '../../../support/a-job.ts';

const pool = (parts: Partial<PoolSnapshot> = {}) => aPool({ gpusPerNode: 4, maxNodes: 8, ...parts });

/** A long run on one GPU that nothing else would be done with. */
function longRun(key: string, parts: JobParts = {}) {
  const current = aConfiguration({ nodes: 1, microBatchSize: 64 });
  return aJob({
    key,
    ...parts,
    limits: { canRescale: true, batchMode: 'Off', ...parts.limits },
    history: { current, ...parts.history },
    evidence: evidenceOf({
      overheadSeconds: 0.1,
      secondsPerSample: 0.01,
      gradientNoiseScale: 5000,
      timed: [current],
    }),
  });
}

function node(name: string, keys: readonly string[], foreignGpus = 0): NodeSnapshot {
  return { name, pool: 'pool', held: keys.map((key) => ({ key, gpus: 1 })), foreignGpus };
}

const alone = [node('n1', ['a']), node('n2', ['b'])];
const moved = (jobs: ReturnType<typeof longRun>[], nodes: readonly NodeSnapshot[], on = pool()) =>
  planFleet({ ...aSnapshot(jobs, [on]), nodes }).moves.map(({ key, node: from }) => `${key} off ${from}`);

describe('consolidate', () => {
  it('brings two jobs that each have a node to themselves onto one', () => {
    expect(moved([longRun('a'), longRun('b')], alone)).to.eql(['a off n1']);
  });

  it('says what is saved, and for what', () => {
    const { moves } = planFleet({ ...aSnapshot([longRun('a'), longRun('b')], [pool()]), nodes: alone });
    expect(moves[0]?.message).to.match(
      /^moved off node n1, whose \$[\d.]+ for .* are saved by 1 restart for \$[\d.]+$/,
    );
  });

  it('empties the node with the fewest GPUs in use', () => {
    const nodes = [node('n1', ['a', 'b']), node('n2', ['c'])];
    expect(moved([longRun('a'), longRun('b'), longRun('c')], nodes)).to.eql(['c off n2']);
  });

  it('brings a job together that stands on more nodes than it fills', () => {
    const current = aConfiguration({ replicas: 3, nodes: 3, microBatchSize: 64 });
    const limits = { maxReplicas: 3, minReplicas: 3 };
    const nodes = ['n1', 'n2', 'n3'].map((name) => node(name, ['a']));
    const { moves } = planFleet({ ...aSnapshot([longRun('a', { limits, history: { current } })], [pool()]), nodes });
    expect(moves.map(({ key, node: off }) => [key, off])).to.eql([['a', undefined]]);
    expect(moves[0]?.message).to.match(/^brought together, which frees 2 nodes whose \$[\d.]+ for .* by 1 restart for/);
  });

  it('leaves a job where it stands on no more nodes than it needs', () => {
    const current = aConfiguration({ replicas: 5, nodes: 2, microBatchSize: 64 });
    const limits = { maxReplicas: 5, minReplicas: 5 };
    const nodes: readonly NodeSnapshot[] = [
      { name: 'n1', pool: 'pool', held: [{ key: 'a', gpus: 3 }], foreignGpus: 0 },
      { name: 'n2', pool: 'pool', held: [{ key: 'a', gpus: 2 }], foreignGpus: 0 },
    ];
    expect(moved([longRun('a', { limits, history: { current } })], nodes)).to.eql([]);
  });

  it('is the same in any order', () => {
    const jobs = [longRun('a'), longRun('b')];
    expect(moved(jobs.toReversed(), alone.toReversed())).to.eql(moved(jobs, alone));
  });

  const kept: readonly { readonly name: string; readonly got: () => readonly string[] }[] = [
    {
      name: 'when nothing is told of nodes',
      got: () => planFleet(aSnapshot([longRun('a'), longRun('b')])).moves.map(String),
    },
    {
      name: 'where GPUs are paid for, not nodes',
      got: () => moved([longRun('a'), longRun('b')], alone, pool({ billing: 'Gpu' })),
    },
    {
      name: 'where the others have no room',
      got: () => moved([longRun('a'), longRun('b')], [node('n1', ['a']), node('n2', ['b'], 3)]),
    },
    {
      name: 'with pods of others on the node',
      got: () => moved([longRun('a'), longRun('b')], [node('n1', ['a'], 1), node('n2', ['b'], 1)]),
    },
    {
      name: 'that is not Stepwise’s to move',
      got: () =>
        moved([longRun('a', { limits: { mode: 'Recommend' } }), longRun('b', { held: { everything: true } })], alone),
    },
    {
      name: 'soon after it was moved',
      got: () => {
        const history = { current: aConfiguration({ nodes: 1, microBatchSize: 64 }), lastResizeAt: NOW - 100 };
        return moved([longRun('a', { history }), longRun('b', { history })], alone);
      },
    },
    {
      name: 'that ends before it pays',
      got: () => {
        const limits = { work: { type: 'ReferenceSamples', referenceSamples: 1_010_000 } } as const;
        return moved([longRun('a', { limits }), longRun('b', { limits })], alone);
      },
    },
  ];
  for (const { name, got } of kept) it(`leaves a job ${name}`, () => expect(got()).to.eql([]));
});
