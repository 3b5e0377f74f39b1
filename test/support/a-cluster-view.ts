import { type ClusterView, POD_INDEXES } from '../../src/controllers/cluster-view.ts';
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
} from '../../src/controllers/kinds.ts';
import { type IndexFunction, ObjectStore } from '../../src/kube/object-store.ts';
import type { KubeObject } from '../../src/kube/resource.ts';

export interface ClusterContents {
  readonly trainingJobs?: readonly TrainingJobObject[];
  readonly pools?: readonly GpuPoolObject[];
  readonly policies?: readonly ScalingPolicyObject[];
  readonly energySources?: readonly EnergySourceObject[];
  readonly profiles?: readonly TrainingProfileObject[];
  readonly workerJobs?: readonly WorkerJob[];
  readonly pods?: readonly Pod[];
  readonly nodes?: readonly Node[];
  readonly configMaps?: readonly ConfigMap[];
}

/** Caches that hold these objects, as informers would that have just listed them. */
export function aClusterView(contents: ClusterContents): ClusterView {
  const holding = <T extends KubeObject>(objects: readonly T[] = [], indexes?: Record<string, IndexFunction<T>>) => {
    const store = new ObjectStore<T>(indexes);
    store.replace(structuredClone([...objects]));
    return store;
  };
  const view = {
    trainingJobs: holding(contents.trainingJobs),
    pools: holding(contents.pools),
    policies: holding(contents.policies),
    energySources: holding(contents.energySources),
    profiles: holding(contents.profiles),
    workerJobs: holding(contents.workerJobs),
    pods: holding(contents.pods, POD_INDEXES),
    nodes: holding(contents.nodes),
    configMaps: holding(contents.configMaps),
  };
  // Readers use nothing of an informer but its store.
  return view as unknown as ClusterView;
}

export function aNode(
  name: string,
  parts: { readonly gpus?: number; readonly ready?: boolean; readonly pool?: string } = {},
): Node {
  const { gpus = 2, ready = true, pool = 't4' } = parts;
  return {
    metadata: { name, labels: { pool } },
    status: {
      allocatable: gpus === 0 ? {} : { 'nvidia.com/gpu': String(gpus) },
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

/** A pod of so many GPUs; of a TrainingJob when `job` is given, somebody else's otherwise. */
export function aPod(
  name: string,
  parts: {
    readonly gpus?: number;
    readonly node?: string;
    readonly job?: string;
    readonly phase?: string;
    readonly ownerKind?: string;
  } = {},
): Pod {
  const { gpus = 1, node, job, phase = 'Running', ownerKind } = parts;
  const limits = gpus === 0 ? {} : { 'nvidia.com/gpu': String(gpus) };
  return {
    metadata: {
      name,
      namespace: 'team',
      labels: job === undefined ? {} : { 'stepwise.dev/training-job': job, 'stepwise.dev/pool': 't4' },
      ...(ownerKind === undefined
        ? {}
        : { ownerReferences: [{ apiVersion: 'apps/v1', kind: ownerKind, name: 'o', uid: 'o' }] }),
    },
    spec: {
      containers: [{ name: 'c', image: 'i', resources: { limits } }],
      ...(node === undefined ? {} : { nodeName: node }),
    },
    status: { phase },
  };
}
