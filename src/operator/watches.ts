import { TRAINING_JOB_LABEL } from '../api/annotations.ts';
import { type ClusterView, POD_INDEXES } from '../controllers/cluster-view.ts';
import {
  CONFIG_MAPS,
  ENERGY_SOURCES,
  GPU_POOLS,
  JOBS,
  NODES,
  PODS,
  type Pod,
  SCALING_POLICIES,
  TRAINING_JOBS,
  TRAINING_PROFILES,
} from '../controllers/kinds.ts';
import { Informer } from '../kube/informer.ts';
import type { KubeClient } from '../kube/kube-client.ts';
import type { KubeLog, KubeMetrics } from '../kube/kube-metrics.ts';
import type { KubeObject, Resource } from '../kube/resource.ts';
import { shedPod } from './shed-pod.ts';

/** Everything that is watched. What Stepwise made is found by its label; pods and nodes are watched as a whole. */
export function openWatches(client: KubeClient, metrics: KubeMetrics, log: KubeLog): ClusterView {
  const informed = <T extends KubeObject>(resource: Resource<T>, labelSelector?: string) =>
    new Informer<T>({ client, resource, labelSelector, metrics, log });
  return {
    trainingJobs: informed(TRAINING_JOBS),
    pools: informed(GPU_POOLS),
    policies: informed(SCALING_POLICIES),
    energySources: informed(ENERGY_SOURCES),
    profiles: informed(TRAINING_PROFILES),
    workerJobs: informed(JOBS, TRAINING_JOB_LABEL),
    configMaps: informed(CONFIG_MAPS, TRAINING_JOB_LABEL),
    nodes: informed(NODES),
    pods: new Informer<Pod>({ client, resource: PODS, transform: shedPod, indexes: POD_INDEXES, metrics, log }),
  };
}

/** The job whose controller reference the object carries. */
export function ownerKeys(object: KubeObject): string[] {
  const owner = object.metadata.ownerReferences?.find(({ kind }) => kind === TRAINING_JOBS.kind);
  return owner === undefined ? [] : [`${object.metadata.namespace}/${owner.name}`];
}

/** The job that the pod works for. */
export function labelledJob(pod: Pod): string[] {
  const name = pod.metadata.labels?.[TRAINING_JOB_LABEL];
  return name === undefined ? [] : [`${pod.metadata.namespace}/${name}`];
}
