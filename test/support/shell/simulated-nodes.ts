import type { GpuPool } from '../../../src/api/gpu-pool.ts';
import type { Node, Pod } from '../../../src/controllers/kinds.ts';
import { isLive, matchesLabels } from '../../../src/controllers/pods.ts';
import { GPU_RESOURCE } from '../../../src/controllers/training-job/indexed-job.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import type { NodeCount, NodeScaler } from '../../../src/ports/node-scaler.ts';
import type { MemoryApiServer } from './memory-api-server.ts';

export interface NodesOptions {
  readonly server: MemoryApiServer;
  readonly pool: GpuPool;
  readonly provisioningSeconds: number;
  readonly nowSeconds: () => number;
  /** Told when the pool is asked to give up a node that somebody uses. */
  readonly onShrinkBelowUse: (message: string) => void;
}

/** The provider of one pool: nodes come after a while, and idle ones go at once. */
export class SimulatedNodes implements NodeScaler {
  readonly #options: NodesOptions;
  desired: number;
  #token = 1;
  #made = 0;
  readonly #coming: { readonly name: string; readonly readyAt: number }[] = [];

  constructor(options: NodesOptions, desired: number) {
    this.#options = options;
    this.desired = desired;
    for (let index = 0; index < desired; index++) this.#stand(this.#nextName());
  }

  async read(pool: GpuPool): Promise<NodeCount | undefined> {
    if (pool.spec.provider.type === 'None') return undefined;
    return { desired: this.desired, token: String(this.#token) };
  }

  async setNodes(pool: GpuPool, nodes: number, token: string | undefined): Promise<void> {
    if (pool.spec.provider.type === 'None') return;
    if (token !== undefined && token !== String(this.#token)) {
      throw new KubeError({ status: 409, reason: 'Conflict', message: 'the scale has been modified' });
    }
    const busy = this.busyNodes().length;
    if (nodes < busy) this.#options.onShrinkBelowUse(`${nodes} nodes were asked for while ${busy} are in use`);
    this.desired = nodes;
    this.#token++;
  }

  nodes(): Node[] {
    const { pool, server } = this.#options;
    return server.list<Node>('nodes').filter((node) => matchesLabels(node, pool.spec.nodeSelector));
  }

  readyGpus(): number {
    return this.nodes().reduce((sum, node) => sum + Number(node.status?.allocatable?.[GPU_RESOURCE] ?? 0), 0);
  }

  busyNodes(): Node[] {
    const used = new Set(this.#pods().map((pod) => pod.spec.nodeName));
    return this.nodes().filter((node) => used.has(node.metadata.name));
  }

  tick(): void {
    const now = this.#options.nowSeconds();
    for (const due of this.#coming.filter(({ readyAt }) => readyAt <= now)) {
      this.#coming.splice(this.#coming.indexOf(due), 1);
      this.#stand(due.name);
    }
    while (this.nodes().length + this.#coming.length < this.desired) {
      this.#coming.push({ name: this.#nextName(), readyAt: now + this.#options.provisioningSeconds });
    }
    while (this.nodes().length + this.#coming.length > this.desired && this.#coming.length > 0) this.#coming.pop();
    const busy = new Set(this.busyNodes().map((node) => node.metadata.name));
    const idle = this.nodes().filter((node) => !busy.has(node.metadata.name));
    for (const node of idle.slice(0, Math.max(0, this.nodes().length - this.desired))) {
      this.#options.server.remove('nodes', node.metadata.name);
    }
  }

  /** Puts waiting pods on nodes with free GPUs. */
  schedule(): void {
    const { server } = this.#options;
    for (const pod of server.list<Pod>('pods').filter((each) => isLive(each) && each.spec.nodeName === undefined)) {
      const allowed = this.nodes().filter((each) => matchesLabels(each, pod.spec.nodeSelector ?? {}));
      const node = allowed.find((each) => this.#freeOn(each.metadata.name) >= gpusOf(pod));
      if (node !== undefined)
        server.put('pods', { ...pod, spec: { ...pod.spec, nodeName: node.metadata.name } } as Pod);
    }
  }

  #freeOn(node: string): number {
    const held = this.#pods().filter((pod) => pod.spec.nodeName === node);
    return this.#options.pool.spec.gpusPerNode - held.reduce((sum, pod) => sum + gpusOf(pod), 0);
  }

  #pods(): Pod[] {
    return this.#options.server.list<Pod>('pods').filter((pod) => isLive(pod) && pod.spec.nodeName !== undefined);
  }

  #nextName(): string {
    return `${this.#options.pool.metadata.name}-${this.#made++}`;
  }

  #stand(name: string): void {
    const { pool, server } = this.#options;
    const node: Node = {
      metadata: { name, labels: pool.spec.nodeSelector },
      status: {
        allocatable: { [GPU_RESOURCE]: String(pool.spec.gpusPerNode) },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    };
    server.put('nodes', node);
  }
}

function gpusOf(pod: Pod): number {
  return Number(pod.spec.containers[0]?.resources?.limits?.[GPU_RESOURCE] ?? 0);
}
