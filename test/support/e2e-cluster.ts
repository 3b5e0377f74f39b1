// The local cluster as the end-to-end tests see it: its client, and waiting for what is to happen in it.

import { setTimeout as sleep } from 'node:timers/promises';
import { kubectl } from '../../deploy/dev/kubectl.ts';
import { kubeconfigPath, realNode } from '../../deploy/dev/settings.ts';
import {
  GPU_POOLS,
  JOBS,
  PODS,
  type Pod,
  SCALING_POLICIES,
  TRAINING_JOBS,
  type TrainingJobObject,
  type WorkerJob,
} from '../../src/controllers/kinds.ts';
import { connect } from '../../src/kube/connect.ts';
import type { KubeClient } from '../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../src/kube/resource.ts';

export const NAMESPACE = 'stepwise-e2e';
export const POOL = 'e2e-real';
/** Four GPUs at one dollar an hour each. */
export const PRICE_PER_WORKER_HOUR = 1;

const NAMESPACES: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

export function connectToCluster(): KubeClient {
  return connect({ kubeconfigPath, requestTimeoutSeconds: 10, rateLimit: { perSecond: 200, burst: 200 } });
}

/** The namespace, the pool of the real node, and a policy that lets decisions follow each other quickly. */
export async function prepareCluster(client: KubeClient): Promise<void> {
  await waitForNode();
  await client.apply(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, OWNER);
  const pool = {
    apiVersion: GPU_POOLS.apiVersion,
    kind: GPU_POOLS.kind,
    metadata: { name: POOL },
    spec: {
      accelerator: { type: 'simulated-gpu' },
      gpusPerNode: realNode.gpus,
      nodeSelector: { 'stepwise.dev/pool': 'real' },
      limits: { maxNodes: 1 },
      cost: { billing: 'Gpu', pricePerNodeHour: String(PRICE_PER_WORKER_HOUR * realNode.gpus) },
    },
  };
  const policy = {
    apiVersion: SCALING_POLICIES.apiVersion,
    kind: SCALING_POLICIES.kind,
    metadata: { name: 'e2e' },
    spec: { namespaces: [NAMESPACE], planIntervalSeconds: 5, batchCooldownSeconds: 5, cooldownSeconds: 30 },
  };
  await client.apply(GPU_POOLS, pool as never, OWNER);
  await client.apply(SCALING_POLICIES, policy as never, OWNER);
}

const OWNER = { fieldManager: 'stepwise-e2e' };

/** Ready and with its GPUs, as a node is that a test before did not leave half-way. */
export async function waitForNode(seconds = 90): Promise<void> {
  const path = '{.status.allocatable.nvidia\\.com/gpu} {.status.conditions[?(@.type=="Ready")].status}';
  await until(
    `node ${realNode.name} is ready with its GPUs; \`make cluster-up NODE=real\` starts it`,
    seconds,
    async () => {
      const seen = await kubectl(['get', 'node', realNode.name, '-o', `jsonpath=${path}`]).catch(String);
      return { done: seen === `${realNode.gpus} True`, seen };
    },
  );
}

export async function createJob(client: KubeClient, job: TrainingJobObject): Promise<void> {
  await deleteJob(client, job.metadata.name);
  await client.create(TRAINING_JOBS, job);
}

/** Deletes a run and waits until nothing of it holds a core any more; its Job goes with it by its owner reference. */
export async function deleteJob(client: KubeClient, name: string): Promise<void> {
  await client.delete(TRAINING_JOBS, at(name));
  await until(`workload and pods of ${name} are gone`, 90, async () => {
    const pods = await podsOf(client, name);
    const staying = pods.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
    for (const { metadata } of staying) await client.delete(PODS, at(metadata.name), { gracePeriodSeconds: 1 });
    const workload = await readWorkload(client, name);
    const seen = [...pods.map(({ metadata }) => metadata.name), ...(workload === undefined ? [] : ['its Job'])];
    return { done: seen.length === 0, seen };
  });
}

export const at = (name: string) => ({ name, namespace: NAMESPACE });

export async function readJob(client: KubeClient, name: string): Promise<TrainingJobObject> {
  const job = await client.get(TRAINING_JOBS, at(name));
  if (job === undefined) throw new Error(`TrainingJob ${name} is gone`);
  return job;
}

export async function readWorkload(client: KubeClient, name: string): Promise<WorkerJob | undefined> {
  return await client.get(JOBS, at(name));
}

export async function podsOf(client: KubeClient, name: string): Promise<readonly Pod[]> {
  const labelSelector = `stepwise.dev/training-job=${name}`;
  return (await client.list(PODS, { namespace: NAMESPACE, labelSelector })).items;
}

export function conditionOf(job: TrainingJobObject, type: string) {
  return job.status?.conditions?.find((condition) => condition.type === type);
}

export interface Look {
  readonly done: boolean;
  /** What was there instead, for the message when time is up. */
  readonly seen?: unknown;
}

/** Looks every half second until it is done; the failure says what was wanted and what was seen last. */
export async function until(what: string, seconds: number, look: () => Promise<Look>): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const { done, seen } = await look();
    const waited = (performance.now() - startedAt) / 1000;
    if (done) return waited;
    if (waited > seconds) throw new Error(`not within ${seconds} s: ${what}; seen last: ${describe(seen)}`);
    await sleep(500);
  }
}

/** Waits until the run's status is as wanted. */
export async function untilJob(
  client: KubeClient,
  name: string,
  wanted: { readonly what: string; readonly seconds: number },
  isDone: (job: TrainingJobObject) => boolean,
): Promise<TrainingJobObject> {
  let job = await readJob(client, name);
  await until(`${name}: ${wanted.what}`, wanted.seconds, async () => {
    job = await readJob(client, name);
    return { done: isDone(job), seen: summaryOf(job) };
  });
  return job;
}

export function summaryOf(job: TrainingJobObject): object {
  const { state, replicas, readyReplicas, batch, tuning, resize, conditions, progress } = job.status ?? {};
  const untrue = conditions?.map(({ type, status, reason }) => `${type}=${status}/${reason}`).join(' ');
  return { state, replicas, readyReplicas, batch, tuning, resize, progress, conditions: untrue };
}

function describe(seen: unknown): string {
  return typeof seen === 'string' ? seen : JSON.stringify(seen);
}
