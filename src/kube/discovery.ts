import type { DiscoveredKind } from './kube-client.ts';

/** meta/v1 APIResourceList: kinds by plural, with subresources as `plural/name` beside them. */
export interface WireResourceList {
  resources?: { name: string; kind: string; namespaced?: boolean }[];
}

export function readKinds(list: WireResourceList | undefined): readonly DiscoveredKind[] {
  const resources = list?.resources ?? [];
  const scaled = new Set(resources.filter(({ name }) => name.endsWith('/scale')).map(({ name }) => name.slice(0, -6)));
  return resources
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, kind, namespaced }) => ({
      kind,
      plural: name,
      namespaced: namespaced === true,
      hasScale: scaled.has(name),
    }));
}
