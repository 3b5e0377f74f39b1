import { randomBytes } from 'node:crypto';
import { ScaleSubresourceScaler } from '../../../src/adapters/pools/scale-subresource.ts';
import type { GpuPool } from '../../../src/api/gpu-pool.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { describeNodeScaler } from '../../conformance/node-scaler.ts';
import { aGpuPool } from '../../support/a-training-job.ts';
import { clientWithCrds } from '../api/api-server.ts';
import { until } from '../kube/fixtures.ts';

type Loose = KubeObject & { spec?: unknown };
const group = `t${randomBytes(3).toString('hex')}.example`;
const NODE_GROUPS: Resource<Loose> = {
  apiVersion: `${group}/v1`,
  kind: 'NodeGroup',
  plural: 'nodegroups',
  namespaced: false,
};
const CRDS: Resource<Loose> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

/** A kind whose scale is in spec.nodes, as small as the API server takes it. */
function nodeGroupCrd(): Loose {
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

function poolFor(target: { apiVersion?: string; kind?: string; name?: string }): GpuPool {
  const scaleTarget = { apiVersion: `${group}/v1`, kind: 'NodeGroup', name: 'gpus', ...target };
  return aGpuPool({ spec: { provider: { type: 'ScaleSubresource', scaleTarget } } });
}

describe('the scale subresource', function () {
  this.timeout(60_000);
  let client: KubeClient;

  after(() => client?.delete(CRDS, { name: `nodegroups.${group}` }));

  describeNodeScaler('the scale subresource of a real API server', async () => {
    client = await clientWithCrds();
    await client.create(CRDS, nodeGroupCrd());
    await until('the kind is served', async () =>
      (await client.discover(`${group}/v1`)).some(({ hasScale }) => hasScale),
    );
    const group_: Loose = {
      apiVersion: `${group}/v1`,
      kind: 'NodeGroup',
      metadata: { name: 'gpus' },
      spec: { nodes: 2 },
    };
    await until('it takes objects', () =>
      client.create(NODE_GROUPS, group_).then(
        () => true,
        () => false,
      ),
    );
    return {
      scaler: new ScaleSubresourceScaler(client),
      pool: poolFor({}),
      leftToOthers: aGpuPool({ spec: { provider: { type: 'None' } } }),
      troubled: {
        TargetNotFound: poolFor({ name: 'gone' }),
        NotScalable: poolFor({ apiVersion: 'v1', kind: 'ConfigMap' }),
      },
      changeBehind: async (nodes) => {
        await client.mergePatch(NODE_GROUPS, { name: 'gpus' }, { spec: { nodes } });
      },
    };
  });
});
