import type { GpuPool } from '../../api/gpu-pool.ts';
import { duration } from '../../core/explain/figures.ts';
import { type ClusterView, nodesOfPool } from '../cluster-view.ts';
import { fromInstant } from '../instants.ts';
import { allocatableGpus, isNodeReady, matchesLabels } from '../pods.ts';
import { GPU_RESOURCE } from '../training-job/indexed-job.ts';
import { type PoolDraft, type PoolProblems, type PoolView, setCondition } from './pool-draft.ts';

/** A scale that shows no effect at all for this long is called ignored, if provisioning may take longer than it. */
const IGNORED_SECONDS = 120;

/** Cost: nodes of the pool × pools. */
export function findPoolProblems(cluster: ClusterView, pool: GpuPool): PoolProblems {
  const nodes = nodesOfPool(cluster, pool);
  const others = cluster.pools.list().filter((other) => other.metadata.name !== pool.metadata.name);
  const overlapping = others.find((other) => nodes.some((node) => matchesLabels(node, other.spec.nodeSelector)));
  const disagreeing = nodes.find((node) => {
    const gpus = allocatableGpus(node, GPU_RESOURCE);
    // A node without GPUs is one whose device plugin has not registered yet.
    return isNodeReady(node) && gpus > 0 && gpus !== pool.spec.gpusPerNode;
  });
  return {
    overlappingPool: overlapping?.metadata.name,
    disagreeingNode:
      disagreeing === undefined
        ? undefined
        : { name: disagreeing.metadata.name, gpus: allocatableGpus(disagreeing, GPU_RESOURCE) },
  };
}

/** Says whether the pool can be used, and whether somebody else, or nobody, answers to its scale. */
export function reportPoolProblems(view: PoolView, draft: PoolDraft): void {
  const { overlappingPool, disagreeingNode } = view.problems;
  if (overlappingPool !== undefined) {
    const message = `GPUPool ${overlappingPool} selects the same nodes: their GPUs would be counted twice, make the two nodeSelectors disjoint`;
    setCondition(draft, view, 'Ready', 'False', 'SelectorOverlaps', message);
  } else if (disagreeingNode !== undefined) {
    const { name, gpus } = disagreeingNode;
    const message = `node ${name} has ${gpus} GPUs, spec.gpusPerNode says ${view.pool.spec.gpusPerNode}: give nodes of another size a GPUPool of their own`;
    setCondition(draft, view, 'Ready', 'False', 'NodesDisagree', message);
  } else {
    const message = view.asked === undefined ? 'nodes are counted' : 'nodes are counted and scaled';
    setCondition(draft, view, 'Ready', 'True', 'Ready', message);
  }
  if (view.asked === undefined) return;
  reportConflict(view, draft, view.asked);
  reportIgnoredScale(view, draft);
}

/** The number of nodes asked for is neither what was last seen nor what was just written. */
function reportConflict(view: PoolView, draft: PoolDraft, asked: number): void {
  const before = view.pool.status?.nodes?.desired;
  const { scaling } = view.pool.status ?? {};
  if (before === undefined || asked === before || asked === scaling?.from) {
    setCondition(draft, view, 'Conflicting', 'False', 'None', 'nobody else changes the number of nodes');
    return;
  }
  const message = `the scale target was changed from ${before} to ${asked} nodes by someone else; a pool has one writer, remove the other`;
  setCondition(draft, view, 'Conflicting', 'True', 'ScaleChangedByOther', message);
}

function reportIgnoredScale(view: PoolView, draft: PoolDraft): void {
  const { scaling } = view.pool.status ?? {};
  const since = view.now - (fromInstant(scaling?.startedAt) ?? view.now);
  if (scaling === undefined || scaling.to <= scaling.from || since < IGNORED_SECONDS) return;
  if (view.demand.use.nodes > scaling.from) return;
  const message =
    `${scaling.to} nodes were asked for ${duration(since)} ago and none has come; is the target's controller running? ` +
    'Karpenter needs the feature gate StaticCapacity';
  setCondition(draft, view, 'ScalerAvailable', 'False', 'ScaleIgnored', message);
}
