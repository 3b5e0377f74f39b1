import { expect } from 'chai';
import type { GpuPoolStatus } from '../../../../src/api/gpu-pool.ts';
import type { PoolUse } from '../../../../src/controllers/cluster-view.ts';
import { advancePool } from '../../../../src/controllers/gpu-pool/advance-pool.ts';
import type { PoolProblems } from '../../../../src/controllers/gpu-pool/pool-draft.ts';
import { ago, NOW } from '../../../support/a-job-view.ts';
import { aGpuPool, type GpuPoolParts } from '../../../support/a-training-job.ts';

interface Story {
  readonly asked?: number | undefined;
  readonly needed: number;
  readonly use?: Partial<PoolUse>;
  readonly status?: GpuPoolStatus;
  readonly spec?: GpuPoolParts['spec'];
  readonly sets?: number | undefined;
  readonly says?: readonly string[];
  readonly event?: string;
  readonly problems?: Partial<PoolProblems>;
  readonly leaves?: (status: GpuPoolStatus) => void;
}

const NO_USE: PoolUse = { nodes: 0, readyNodes: 0, busyNodes: 0, totalGpus: 0, ownGpus: 0, foreignGpus: 0 };
const scaling = (from: number, to: number, since: number) => ({ scaling: { from, to, startedAt: ago(since) } });

const STORIES: Readonly<Record<string, Story>> = {
  'goes up at once': {
    asked: 1,
    needed: 3,
    sets: 3,
    event: 'PoolScaled',
    leaves: ({ scaling: noted }) => expect(noted).to.deep.equal({ from: 1, to: 3, startedAt: ago(0) }),
  },
  'stays as it is': { asked: 2, needed: 2, says: ['ScalerAvailable=True/ScalerAvailable', 'Ready=True/Ready'] },
  'notes since when it has too many nodes': {
    asked: 3,
    needed: 1,
    leaves: ({ surplusSince }) => expect(surplusSince).to.equal(ago(0)),
  },
  'keeps idle nodes for a while': { asked: 3, needed: 1, status: { surplusSince: ago(59) } },
  'goes down after that while': {
    asked: 3,
    needed: 1,
    status: { surplusSince: ago(60) },
    sets: 1,
    event: 'PoolScaled',
  },
  'forgets the surplus when a job needs it again': {
    asked: 2,
    needed: 2,
    status: { surplusSince: ago(50) },
    leaves: ({ surplusSince }) => expect(surplusSince).to.equal(undefined),
  },
  'takes no node on which somebody has a pod': {
    asked: 3,
    needed: 0,
    status: { surplusSince: ago(600) },
    use: { busyNodes: 2, foreignGpus: 1 },
    sets: 2,
    event: 'PoolScaled',
  },
  'does nothing while all nodes are in use': {
    asked: 2,
    needed: 0,
    status: { surplusSince: ago(600) },
    use: { busyNodes: 2 },
  },
  'learns how long nodes take': {
    asked: 3,
    needed: 3,
    use: { readyNodes: 3 },
    status: scaling(1, 3, 95),
    says: ['StockOut=False/InStock'],
    leaves: (status) => {
      expect(status.provisioningSeconds).to.equal(95);
      expect(status.scaling).to.equal(undefined);
    },
  },
  'waits for nodes that were asked for': {
    asked: 3,
    needed: 3,
    use: { readyNodes: 2 },
    status: scaling(1, 3, 899),
    leaves: ({ scaling: noted }) => expect(noted?.to).to.equal(3),
  },
  'gives up nodes that do not come, and keeps those that did': {
    asked: 3,
    needed: 3,
    use: { readyNodes: 2, busyNodes: 1 },
    status: scaling(1, 3, 900),
    sets: 2,
    event: 'PoolStockOut',
    says: ['StockOut=True/ProvisioningTimedOut'],
    leaves: ({ stockOutUntil }) => expect(stockOutUntil).to.equal(ago(-600)),
  },
  'asks nothing of a pool that has just failed': { asked: 1, needed: 3, status: { stockOutUntil: ago(-10) } },
  'asks again when the pause is over': {
    asked: 1,
    needed: 3,
    status: { stockOutUntil: ago(1) },
    sets: 3,
    event: 'PoolScaled',
  },
  'does not forget a stock-out because it went down': {
    asked: 1,
    needed: 1,
    use: { readyNodes: 1 },
    status: { ...scaling(2, 1, 5), stockOutUntil: ago(-300) },
    leaves: ({ stockOutUntil }) => expect(stockOutUntil).to.equal(ago(-300)),
  },
  'notices that somebody else changed its size, and puts it right': {
    asked: 5,
    needed: 5,
    status: { nodes: { desired: 3 } },
    says: ['Conflicting=True/ScaleChangedByOther'],
  },
  'does not take its own write that has not landed for a conflict': {
    asked: 1,
    needed: 3,
    status: { nodes: { desired: 3 }, ...scaling(1, 3, 1) },
    sets: 3,
    event: 'PoolScaled',
    says: ['Conflicting=False/None'],
  },
  'says that nobody answers to its scale': {
    asked: 3,
    needed: 3,
    use: { nodes: 1, readyNodes: 1 },
    status: { nodes: { desired: 3 }, ...scaling(1, 3, 120) },
    says: ['ScalerAvailable=False/ScaleIgnored'],
  },
  'is patient while nodes are coming': {
    asked: 3,
    needed: 3,
    use: { nodes: 2, readyNodes: 1 },
    status: { nodes: { desired: 3 }, ...scaling(1, 3, 600) },
    says: ['ScalerAvailable=True/ScalerAvailable'],
  },
  'is not ready while another pool selects its nodes': {
    asked: 1,
    needed: 1,
    problems: { overlappingPool: 'twin' },
    says: ['Ready=False/SelectorOverlaps'],
  },
  'is not ready while a node has another number of GPUs': {
    asked: undefined,
    needed: 1,
    problems: { disagreeingNode: { name: 'odd', gpus: 8 } },
    says: ['Ready=False/NodesDisagree'],
  },
  'only counts where nodes are left to others': {
    asked: undefined,
    needed: 3,
    use: { readyNodes: 1, totalGpus: 2 },
    says: ['ScalerAvailable=True/NotScaled', 'Ready=True/Ready'],
    leaves: ({ nodes, gpus }) => {
      expect(nodes, 'nobody knows what was asked for').to.deep.equal({ ready: 1, busy: 0 });
      expect(gpus?.total).to.equal(2);
    },
  },
};

describe('advancePool: a pool', () => {
  for (const [name, story] of Object.entries(STORIES)) {
    it(name, () => {
      const pool = aGpuPool({ ...(story.spec && { spec: story.spec }), status: story.status });
      const demand = { claims: [], nodes: story.needed, use: { ...NO_USE, ...story.use } };
      const problems = { overlappingPool: undefined, disagreeingNode: undefined, ...story.problems };
      const draft = advancePool({ now: NOW, pool, demand, asked: story.asked, problems });
      const said = (draft.status.conditions ?? []).map(({ type, status, reason }) => `${type}=${status}/${reason}`);
      expect(draft.setNodes, 'nodes asked for').to.equal(story.sets);
      expect(draft.event?.reason, 'event').to.equal(story.event);
      expect(said).to.include.members([...(story.says ?? [])]);
      story.leaves?.(draft.status);
    });
  }
});
