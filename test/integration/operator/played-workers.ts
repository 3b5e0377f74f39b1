// What a cluster has beside its API server, played on a real one: the Job controller, the scheduler and the kubelets.
import { JOBS, NODES, PODS, type Pod, type WorkerJob } from '../../../src/controllers/kinds.ts';
import { isLive, isReady } from '../../../src/controllers/pods.ts';
import { Informer } from '../../../src/kube/informer.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { isNotFound } from '../../../src/kube/kube-error.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';

const INDEX = 'batch.kubernetes.io/job-completion-index';
const LOOK_MILLISECONDS = 100;
const SERVICE_ACCOUNTS: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'ServiceAccount',
  plural: 'serviceaccounts',
  namespaced: true,
};
const NAMESPACES: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** A namespace in which pods can be made. */
export async function aNamespaceForPods(client: KubeClient, name: string): Promise<void> {
  await client.create(NAMESPACES, { metadata: { name } });
  await client.create(SERVICE_ACCOUNTS, { metadata: { name: 'default', namespace: name } });
}

/** A node with one GPU whose pods are simulated. */
export async function aNodeForOne(client: KubeClient, name: string, labels: Record<string, string>): Promise<void> {
  const capacity = { cpu: '4', memory: '16Gi', pods: '110', 'nvidia.com/gpu': '1' };
  const conditions = [{ type: 'Ready', status: 'True' }];
  await client.create(NODES, {
    metadata: { name, labels, annotations: { 'kwok.x-k8s.io/node': 'fake' } },
    status: { allocatable: capacity, conditions },
  });
}

export async function tellThatItRuns(client: KubeClient, { metadata: { name, namespace } }: Pod): Promise<void> {
  // Prometheus passes over pods without an address; where their pages are, annotations say.
  const address = { podIP: '127.0.0.1', podIPs: [{ ip: '127.0.0.1' }] };
  const status = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }], ...address };
  await client.mergePatchStatus(PODS, { name, namespace }, { status });
}

/** Workers of Indexed Jobs, each alone on a node; who finds none free waits without a pod. */
export class PlayedWorkers {
  readonly #client: KubeClient;
  readonly #nodes: readonly string[];
  readonly #jobs: Informer<WorkerJob>;
  readonly #pods: Informer<Pod>;
  #pause: NodeJS.Timeout | undefined;
  /** Whatever could not be done, in words. */
  readonly problems: string[] = [];

  constructor(client: KubeClient, namespace: string, nodes: readonly string[]) {
    this.#client = client;
    this.#nodes = nodes;
    this.#jobs = new Informer({ client, namespace, resource: JOBS });
    this.#pods = new Informer({ client, namespace, resource: PODS });
  }

  async start(stop: AbortSignal): Promise<void> {
    for (const informer of [this.#jobs, this.#pods]) informer.run(stop).catch(() => undefined);
    await Promise.all([this.#jobs.synced, this.#pods.synced]);
    stop.addEventListener('abort', () => clearTimeout(this.#pause), { once: true });
    void this.#lookAgain(stop);
  }

  livePods(job: string): readonly Pod[] {
    return this.#pods.list().filter((pod) => isLive(pod) && pod.metadata.labels?.['job-name'] === job);
  }

  async #lookAgain(stop: AbortSignal): Promise<void> {
    try {
      for (const job of this.#jobs.list()) await this.#control(job);
      for (const pod of this.#pods.list()) if (!isReady(pod)) await tellThatItRuns(this.#client, pod);
    } catch (error) {
      if (!isNotFound(error) && !stop.aborted) this.problems.push(String(error));
    }
    if (!stop.aborted) this.#pause = setTimeout(() => void this.#lookAgain(stop), LOOK_MILLISECONDS);
  }

  async #control(job: WorkerJob): Promise<void> {
    const { name } = job.metadata;
    const wanted = job.spec.suspend === true ? 0 : (job.spec.parallelism ?? 0);
    const present = new Map(this.livePods(name).map((pod) => [Number(pod.metadata.labels?.[INDEX]), pod]));
    for (const [index, { metadata }] of present) {
      if (index >= wanted) await this.#client.delete(PODS, metadata, { gracePeriodSeconds: 0 });
    }
    for (let index = 0; index < wanted; index++) {
      const node = present.has(index) ? undefined : await this.#freeNode();
      if (node !== undefined) await this.#client.create(PODS, workerOf(job, index, node));
    }
  }

  /** Asked of the server itself: the cache may not have seen yet who was put there a moment ago. */
  async #freeNode(): Promise<string | undefined> {
    const { items } = await this.#client.list(PODS);
    const taken = new Set(items.filter(isLive).map(({ spec }) => spec.nodeName));
    return this.#nodes.find((node) => !taken.has(node));
  }
}

function workerOf({ metadata, spec }: WorkerJob, index: number, nodeName: string): Pod {
  const { name, namespace, uid = '' } = metadata;
  const { template } = spec;
  const owner = { apiVersion: JOBS.apiVersion, kind: JOBS.kind, name, uid, controller: true };
  return {
    metadata: {
      name: `${name}-${index}-${Date.now().toString(36)}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { ...template.metadata?.labels, 'job-name': name, [INDEX]: String(index) },
      annotations: { ...template.metadata?.annotations, [INDEX]: String(index) },
      ownerReferences: [owner],
    },
    spec: { ...template.spec, nodeName },
  };
}
