import type { Pod } from '../controllers/kinds.ts';

/** All pods of the cluster are watched, since others' pods share the nodes; only what is read of them is kept. */
export function shedPod(pod: Pod): Pod {
  const { name, namespace, uid, resourceVersion, labels, deletionTimestamp, ownerReferences } = pod.metadata;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid, resourceVersion, labels, deletionTimestamp, ownerReferences },
    spec: {
      containers: pod.spec.containers.map((container) => ({
        name: container.name,
        image: '',
        ...(container.resources === undefined ? {} : { resources: container.resources }),
      })),
      ...(pod.spec.nodeName === undefined ? {} : { nodeName: pod.spec.nodeName }),
    },
    status: {
      ...(pod.status?.phase === undefined ? {} : { phase: pod.status.phase }),
      conditions: (pod.status?.conditions ?? []).filter(({ type }) => type === 'Ready' || type === 'PodScheduled'),
    },
  };
}
