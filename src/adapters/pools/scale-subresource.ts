import type { GpuPool } from '../../api/gpu-pool.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isForbidden, isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject, ObjectRef, Resource } from '../../kube/resource.ts';
import { type NodeCount, type NodeScaler, ScalerError } from '../../ports/node-scaler.ts';

type ScaleTarget = NonNullable<GpuPool['spec']['provider']['scaleTarget']>;

/** Finds the plural that a kind is addressed by; the API server's discovery answers it. */
export type PluralOf = (apiVersion: string, kind: string) => Promise<string | undefined>;

/** Scales whatever has a scale subresource: a Karpenter static NodePool, a Cluster API MachineDeployment, … */
export class ScaleSubresourceScaler implements NodeScaler {
  readonly #client: KubeClient;
  readonly #pluralOf: PluralOf;

  constructor(client: KubeClient, pluralOf: PluralOf) {
    this.#client = client;
    this.#pluralOf = pluralOf;
  }

  async read(pool: GpuPool): Promise<NodeCount | undefined> {
    const target = targetOf(pool);
    if (target === undefined) return undefined;
    const { resource, at } = await this.#resolve(target);
    try {
      const scale = await this.#client.getScale(resource, at);
      if (scale === undefined) throw new ScalerError('TargetNotFound', `${describe(target)} does not exist or has no scale`);
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
    const plural = await this.#pluralOf(target.apiVersion, target.kind);
    if (plural === undefined) {
      throw new ScalerError('TargetNotFound', `the cluster has no kind ${target.kind} in ${target.apiVersion}`);
    }
    const { apiVersion, kind, name, namespace } = target;
    return { resource: { apiVersion, kind, plural, namespaced: namespace !== undefined }, at: { name, namespace } };
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
    return new ScalerError('Forbidden', `not allowed to ${verb} the scale of ${describe(target)}: grant it to the operator`, {
      cause: error,
    });
  }
  if (isNotFound(error)) return new ScalerError('TargetNotFound', `${describe(target)} does not exist`, { cause: error });
  return error;
}
