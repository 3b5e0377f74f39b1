import { randomBytes } from 'node:crypto';
import { ScaleSubresourceScaler } from '../../../src/adapters/pools/scale-subresource.ts';
import type { GpuPool } from '../../../src/api/gpu-pool.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { describeNodeScaler } from '../../conformance/node-scaler.ts';
import { aGpuPool } from '../../support/a-training-job.ts';
import { clientWithCrds } from '../api/api-server.ts';
import { until } from '../kube/fixtures.ts';
import { CRDS, type Loose, nodeGroupCrd, nodeGroups } from './node-group.ts';

const group = `t${randomBytes(3).toString('hex')}.example`;
const NODE_GROUPS = nodeGroups(group);

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
    await client.create(CRDS, nodeGroupCrd(group));
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
