import { ScaleSubresourceScaler } from '../../../src/adapters/pools/scale-subresource.ts';
import type { KubeClient, Scale } from '../../../src/kube/kube-client.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import type { KubeObject, ObjectRef, Resource } from '../../../src/kube/resource.ts';
import { describeNodeScaler } from '../../conformance/node-scaler.ts';
import { aGpuPool } from '../../support/a-training-job.ts';
import { MemoryApiServer } from '../../support/shell/memory-api-server.ts';
import { SimulatedNodes } from '../../support/shell/simulated-nodes.ts';

const leftToOthers = aGpuPool({ spec: { provider: { type: 'None' } } });
const poolOf = (name: string, kind = 'NodePool') =>
  aGpuPool({
    spec: { provider: { type: 'ScaleSubresource', scaleTarget: { apiVersion: 'karpenter.sh/v1', kind, name } } },
  });

/** As much of an API server as answers for the scale of one object. */
class ScaleServer {
  replicas = 2;
  version = 1;

  client(): KubeClient {
    const verbs: Partial<KubeClient> = {
      discover: async () => [
        { kind: 'NodePool', plural: 'nodepools', namespaced: false, hasScale: true },
        { kind: 'NodeClass', plural: 'nodeclasses', namespaced: false, hasScale: false },
      ],
      getScale: async (_resource: Resource<KubeObject>, { name }: ObjectRef) => this.#read(name),
      setScale: async (_resource: Resource<KubeObject>, { name }: ObjectRef, to) => {
        if (to.resourceVersion !== undefined && to.resourceVersion !== String(this.version)) {
          throw new KubeError({ status: 409, reason: 'Conflict', message: 'the object has been modified' });
        }
        this.set(to.replicas);
        return this.#read(name) as Scale;
      },
    };
    return verbs as KubeClient;
  }

  set(replicas: number): void {
    this.replicas = replicas;
    this.version++;
  }

  #read(name: string): Scale | undefined {
    if (name === 'secret') throw new KubeError({ status: 403, reason: 'Forbidden', message: 'no' });
    if (name !== 'gpus') return undefined;
    return { replicas: this.replicas, observedReplicas: 0, selector: undefined, resourceVersion: String(this.version) };
  }
}

describeNodeScaler('the scale subresource of a server in memory', async () => {
  const server = new ScaleServer();
  return {
    scaler: new ScaleSubresourceScaler(server.client()),
    pool: poolOf('gpus'),
    leftToOthers,
    troubled: { TargetNotFound: poolOf('gone'), NotScalable: poolOf('gpus', 'NodeClass'), Forbidden: poolOf('secret') },
    changeBehind: async (nodes) => server.set(nodes),
  };
});

describeNodeScaler('the simulated pool of the crash tests', async () => {
  const pool = aGpuPool();
  const server = new MemoryApiServer();
  const nowSeconds = () => 0;
  const nodes = new SimulatedNodes(
    { server, pool, provisioningSeconds: 20, nowSeconds, onShrinkBelowUse: () => undefined },
    2,
  );
  return {
    scaler: nodes,
    pool,
    leftToOthers,
    troubled: {},
    changeBehind: (desired) => nodes.setNodes(pool, desired, undefined),
  };
});
