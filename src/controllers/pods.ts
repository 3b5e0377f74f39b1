import type { Node, Pod } from './kinds.ts';

/** Neither ended nor gone: it holds, or waits for, what it asked for. */
export function isLive(pod: Pod): boolean {
  const phase = pod.status?.phase;
  return phase !== 'Succeeded' && phase !== 'Failed';
}

export function isReady(pod: Pod): boolean {
  return (
    pod.metadata.deletionTimestamp === undefined &&
    (pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false)
  );
}

export function isScheduled(pod: Pod): boolean {
  return pod.spec.nodeName !== undefined && pod.spec.nodeName !== '';
}

export function gpusOf(pod: Pod, resource: string): number {
  return pod.spec.containers.reduce((sum, container) => {
    const { limits, requests } = container.resources ?? {};
    return sum + Number(limits?.[resource] ?? requests?.[resource] ?? 0);
  }, 0);
}

export function isNodeReady(node: Node): boolean {
  return (
    node.metadata.deletionTimestamp === undefined &&
    node.spec?.unschedulable !== true &&
    (node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false)
  );
}

/** GPUs that a node hands out: 0 until its device plugin has registered them. */
export function allocatableGpus(node: Node, resource: string): number {
  return Number(node.status?.allocatable?.[resource] ?? 0);
}

export function matchesLabels(node: Node, selector: Readonly<Record<string, string>>): boolean {
  const labels = node.metadata.labels ?? {};
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}
