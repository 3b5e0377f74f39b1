import type { GpuPool } from '../../api/gpu-pool.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isForbidden, isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject, ObjectRef, Resource } from '../../kube/resource.ts';
import { type NodeCount, type NodeScaler, ScalerError } from '../../ports/node-scaler.ts';

type ScaleTarget = NonNullable<GpuPool['spec']['provider']['scaleTarget']>;

/** Scales whatever has a scale subresource: a Karpenter static NodePool, a Cluster API MachineDeployment, … */
export class ScaleSubresourceScaler implements NodeScaler {
  readonly #client: KubeClient;
  /** Kinds that were found once; a kind keeps its plural for as long as its CRD lives. */
  readonly #resources = new Map<string, Resource<KubeObject>>();

  constructor(client: KubeClient) {
    this.#client = client;
  }

  async read(pool: GpuPool): Promise<NodeCount | undefined> {
    const target = targetOf(pool);
    if (target === undefined) return undefined;
    const { resource, at } = await this.#resolve(target);
    try {
      const scale = await this.#client.getScale(resource, at);
      if (scale === undefined)
        throw new ScalerError('TargetNotFound', `${describe(target)} does not exist or has no scale`);
      return { desired: scale.replicas, token: scale.resourceVersion };
    } catch (error) {
      throw asScalerError(error, target, 'read');
    }
  }

  async setNodes(pool: GpuPool, nodes: number, token: string | undefined): Promise<void> {
    const target = targetOf(pool);
    if (target === undefined) return;
    const { resource, at } = await this.#resolve(target);
    try {
      await this.#client.setScale(resource, at, { replicas: nodes, resourceVersion: token });
    } catch (error) {
      throw asScalerError(error, target, 'write');
    }
  }

  async #resolve(target: ScaleTarget): Promise<{ resource: Resource<KubeObject>; at: ObjectRef }> {
    const { apiVersion, kind, name, namespace } = target;
    const cacheKey = `${apiVersion}/${kind}`;
    const resource = this.#resources.get(cacheKey) ?? (await this.#discover(target));
    this.#resources.set(cacheKey, resource);
    return { resource, at: { name, namespace } };
  }

  async #discover({ apiVersion, kind }: ScaleTarget): Promise<Resource<KubeObject>> {
    const found = (await this.#client.discover(apiVersion)).find((candidate) => candidate.kind === kind);
    if (found === undefined) {
      throw new ScalerError(
        'TargetNotFound',
        `the cluster has no kind ${kind} in ${apiVersion}; is its CRD installed?`,
      );
    }
    if (!found.hasScale) throw new ScalerError('NotScalable', `${kind} in ${apiVersion} has no scale subresource`);
    return { apiVersion, kind, plural: found.plural, namespaced: found.namespaced };
  }
}

function targetOf(pool: GpuPool): ScaleTarget | undefined {
  return pool.spec.provider.type === 'ScaleSubresource' ? pool.spec.provider.scaleTarget : undefined;
}

function describe(target: ScaleTarget): string {
  return `${target.kind} ${target.namespace === undefined ? '' : `${target.namespace}/`}${target.name}`;
}

function asScalerError(error: unknown, target: ScaleTarget, verb: string): unknown {
  if (isForbidden(error)) {
    return new ScalerError(
      'Forbidden',
      `not allowed to ${verb} the scale of ${describe(target)}: grant it to the operator`,
      {
        cause: error,
      },
    );
  }
  if (isNotFound(error))
    return new ScalerError('TargetNotFound', `${describe(target)} does not exist`, { cause: error });
  return error;
}
