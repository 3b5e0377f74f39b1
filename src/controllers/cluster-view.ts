import { POOL_LABEL, TRAINING_JOB_LABEL } from '../api/annotations.ts';
import type { GpuPool } from '../api/gpu-pool.ts';
import type { Informer } from '../kube/informer.ts';
import type {
  ConfigMap,
  EnergySourceObject,
  GpuPoolObject,
  Node,
  Pod,
  ScalingPolicyObject,
  TrainingJobObject,
  TrainingProfileObject,
  WorkerJob,
} from './kinds.ts';
import { allocatableGpus, gpusOf, isLive, isNodeReady, matchesLabels } from './pods.ts';
import { GPU_RESOURCE } from './training-job/indexed-job.ts';

export const PODS_BY_JOB = 'job';
export const PODS_BY_NODE = 'node';

/** The informers' caches, and the questions that reconcilers ask of them. */
export interface ClusterView {
  readonly trainingJobs: Informer<TrainingJobObject>;
  readonly pools: Informer<GpuPoolObject>;
  readonly policies: Informer<ScalingPolicyObject>;
  readonly energySources: Informer<EnergySourceObject>;
  readonly profiles: Informer<TrainingProfileObject>;
  readonly workerJobs: Informer<WorkerJob>;
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly configMaps: Informer<ConfigMap>;
}

/** Index functions that the pod informer needs. */
export const POD_INDEXES = {
  [PODS_BY_JOB]: (pod: Pod) => {
    const job = pod.metadata.labels?.[TRAINING_JOB_LABEL];
    return job === undefined ? [] : [`${pod.metadata.namespace}/${job}`];
  },
  [PODS_BY_NODE]: (pod: Pod) => (pod.spec.nodeName === undefined ? [] : [pod.spec.nodeName]),
};

export function podsOfJob(cluster: ClusterView, key: string): readonly Pod[] {
  return cluster.pods.byIndex(PODS_BY_JOB, key);
}

export interface PoolUse {
  readonly nodes: number;
  /** Ready, with their GPUs registered. */
  readonly readyNodes: number;
  /** Nodes on which a pod stands that holds a GPU, or that belongs to someone else. */
  readonly busyNodes: number;
  readonly totalGpus: number;
  readonly ownGpus: number;
  readonly foreignGpus: number;
}

/** Nodes that carry the pool's labels. */
export function nodesOfPool(cluster: ClusterView, pool: GpuPool): readonly Node[] {
  return cluster.nodes.list().filter((node) => matchesLabels(node, pool.spec.nodeSelector));
}

/** Cost: the pool's nodes and the pods on them. */
export function poolUse(cluster: ClusterView, pool: GpuPool): PoolUse {
  const nodes = nodesOfPool(cluster, pool);
  const use = { nodes: nodes.length, readyNodes: 0, busyNodes: 0, totalGpus: 0, ownGpus: 0, foreignGpus: 0 };
  for (const node of nodes) {
    const gpus = allocatableGpus(node, GPU_RESOURCE);
    if (isNodeReady(node) && gpus > 0) {
      use.readyNodes++;
      use.totalGpus += gpus;
    }
    const pods = cluster.pods
      .byIndex(PODS_BY_NODE, node.metadata.name)
      .filter((pod) => isLive(pod) && !isOfDaemonSet(pod));
    if (pods.length > 0) use.busyNodes++;
    use.ownGpus += gpusHeldBy(pods.filter(isOwn));
    use.foreignGpus += gpusHeldBy(pods.filter((pod) => !isOwn(pod)));
  }
  return use;
}

/** Workers on the pool's nodes that have ended and not been deleted yet. */
export function endedWorkers(cluster: ClusterView, pool: GpuPool): readonly Pod[] {
  return nodesOfPool(cluster, pool)
    .flatMap((node) => cluster.pods.byIndex(PODS_BY_NODE, node.metadata.name))
    .filter((pod) => isOwn(pod) && !isLive(pod));
}

const isOwn = (pod: Pod) => pod.metadata.labels?.[TRAINING_JOB_LABEL] !== undefined;

function gpusHeldBy(pods: readonly Pod[]): number {
  return pods.reduce((sum, pod) => sum + gpusOf(pod, GPU_RESOURCE), 0);
}

/** Pods that come with the node. */
export function isOfDaemonSet(pod: Pod): boolean {
  return pod.metadata.ownerReferences?.some(({ kind }) => kind === 'DaemonSet' || kind === 'Node') ?? false;
}

/** GPUs of the pool's ready nodes that are free, or held by this job. */
export function reachableGpus(cluster: ClusterView, pool: GpuPool, jobKey: string): number {
  const use = poolUse(cluster, pool);
  const own = gpusHeldBy(
    podsOfJob(cluster, jobKey)
      .filter((pod) => isLive(pod) && pod.spec.nodeName !== undefined)
      .filter((pod) => pod.metadata.labels?.[POOL_LABEL] === pool.metadata.name),
  );
  return use.totalGpus - use.ownGpus - use.foreignGpus + own;
}
