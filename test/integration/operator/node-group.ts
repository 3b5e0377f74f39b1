// A kind of nodes that a pool scales, as a provider would bring it.
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';

export type Loose = KubeObject & { spec?: unknown };

export const CRDS: Resource<Loose> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

export const nodeGroups = (group: string): Resource<Loose> => ({
  apiVersion: `${group}/v1`,
  kind: 'NodeGroup',
  plural: 'nodegroups',
  namespaced: false,
});

/** A kind whose scale is in spec.nodes, as small as the API server takes it. */
export function nodeGroupCrd(group: string): Loose {
  const schema = {
    type: 'object',
    properties: {
      spec: { type: 'object', properties: { nodes: { type: 'integer' } } },
      status: { type: 'object', properties: { nodes: { type: 'integer' } } },
    },
  };
  const scale = { specReplicasPath: '.spec.nodes', statusReplicasPath: '.status.nodes' };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `nodegroups.${group}` },
    spec: {
      group,
      scope: 'Cluster',
      names: { kind: 'NodeGroup', plural: 'nodegroups' },
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          subresources: { status: {}, scale },
        },
      ],
    },
  };
}
