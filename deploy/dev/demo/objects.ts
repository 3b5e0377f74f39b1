// The demo's objects on the API server: CRDs, pools, policy, jobs.

import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from 'yaml';
import { API_GROUP, API_VERSION } from '../../../src/api/group.ts';
import { GPU_POOLS, SCALING_POLICIES, TRAINING_JOBS, type TrainingJobObject } from '../../../src/controllers/kinds.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { repositoryDirectory } from '../settings.ts';
import { DEMO_NAMESPACE, DEMO_POOLS, jobsDirectory, TIME_LAPSE } from './settings.ts';
import { waitFor } from './wait.ts';

const FIELD_MANAGER = 'stepwise-demo';
export const POLICY_NAME = 'stepwise-demo';
/** In step with the time-lapse. */
export const SHORT_WINDOWS = {
  planIntervalSeconds: 5,
  cooldownSeconds: 5,
  batchCooldownSeconds: 2,
  maxRescalesPerHour: 20,
  stalenessLimitSeconds: 20,
  maxBatchGrowthFactor: 8,
};

const clusterScoped = (apiVersion: string, kind: string, plural: string): Resource<KubeObject> => ({
  apiVersion,
  kind,
  plural,
  namespaced: false,
});
const CRDS = clusterScoped('apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions');
export const NAMESPACES = clusterScoped('v1', 'Namespace', 'namespaces');
export const NODE_POOLS = clusterScoped('karpenter.sh/v1', 'NodePool', 'nodepools');
const NODE_CLASSES = clusterScoped('karpenter.kwok.sh/v1alpha1', 'KWOKNodeClass', 'kwoknodeclasses');

export async function applyCrds(client: KubeClient): Promise<void> {
  for (const file of globSync(path.join(repositoryDirectory, 'crds', '*.yaml'))) {
    await client.apply(CRDS, parse(readFileSync(file, 'utf8')) as KubeObject, { fieldManager: FIELD_MANAGER });
  }
  await waitFor(`the API server to serve ${API_GROUP}`, 30, async () => {
    const kinds = (await client.discover(API_VERSION)).map(({ plural }) => plural);
    return [TRAINING_JOBS, GPU_POOLS, SCALING_POLICIES].every(({ plural }) => kinds.includes(plural));
  });
}

/** The local cluster has these from the start; another one may not. */
export async function createMissingNodePools(client: KubeClient): Promise<void> {
  const file = path.join(repositoryDirectory, 'deploy', 'dev', 'manifests', 'node-pools.yaml');
  for (const document of parseAllDocuments(readFileSync(file, 'utf8'))) {
    const object = document.toJS() as KubeObject;
    const resource = object.kind === NODE_POOLS.kind ? NODE_POOLS : NODE_CLASSES;
    const isOurs = resource !== NODE_POOLS || DEMO_POOLS.some(({ nodePool }) => nodePool === object.metadata.name);
    if (isOurs && (await client.get(resource, object.metadata)) === undefined) await client.create(resource, object);
  }
}

export async function applyPoolsAndPolicy(client: KubeClient): Promise<void> {
  for (const pool of DEMO_POOLS) {
    const spec = {
      accelerator: { type: 'nvidia-t4', memoryMiB: 15_360 },
      gpusPerNode: pool.gpusPerNode,
      nodeSelector: { 'stepwise.dev/pool': pool.nodePool },
      provider: {
        type: 'ScaleSubresource' as const,
        scaleTarget: { apiVersion: NODE_POOLS.apiVersion, kind: NODE_POOLS.kind, name: pool.nodePool },
      },
      limits: { minNodes: 0, maxNodes: pool.maxNodes },
      cost: { pricePerNodeHour: (pool.usdPerNodeHour * TIME_LAPSE).toFixed(4), currency: 'USD' },
      // Time for Karpenter to see which workers have ended, so that it takes the nodes that are free.
      scaleDownDelaySeconds: 2,
      provisioningTimeoutSeconds: 120,
    };
    await client.apply(GPU_POOLS, { metadata: { name: pool.name }, spec }, { fieldManager: FIELD_MANAGER });
  }
  const spec = { namespaces: [DEMO_NAMESPACE], ...SHORT_WINDOWS };
  await client.apply(SCALING_POLICIES, { metadata: { name: POLICY_NAME }, spec }, { fieldManager: FIELD_MANAGER });
}

/** The jobs as their files have them, in the order of the files' names. Deadlines are still words. */
export function readJobs(): TrainingJobObject[] {
  const files = globSync('*.yaml', { cwd: jobsDirectory }).sort();
  return files.map((file) => {
    const job = parse(readFileSync(path.join(jobsDirectory, file), 'utf8')) as TrainingJobObject;
    return { ...job, metadata: { ...job.metadata, namespace: DEMO_NAMESPACE } };
  });
}

/** "in 80 minutes" of the job's own time, as seconds of the demo. Undefined without a deadline. */
export function deadlineSeconds(job: TrainingJobObject): number | undefined {
  const text = job.spec.objective.deadline;
  if (text === undefined) return undefined;
  const minutes = /^in (\d+) minutes$/.exec(text)?.[1];
  if (minutes === undefined) {
    throw new Error(`${job.metadata.name}: spec.objective.deadline is "${text}", the demo reads "in 80 minutes"`);
  }
  return (Number(minutes) * 60) / TIME_LAPSE;
}

/** Creates the job, its deadline counted from now, with the restart time that earlier runs of its family took. */
export async function createJob(
  client: KubeClient,
  job: TrainingJobObject,
  restartSeconds: number,
): Promise<TrainingJobObject> {
  const seconds = deadlineSeconds(job);
  const deadline = seconds === undefined ? {} : { deadline: new Date(Date.now() + seconds * 1000).toISOString() };
  const { deadline: _words, timeValuePerHour: perHour, ...objective } = job.spec.objective;
  // An hour of the job is worth what it is worth, and is over so much sooner.
  const value = perHour === undefined ? {} : { timeValuePerHour: (Number(perHour) * TIME_LAPSE).toFixed(2) };
  const spec = { ...job.spec, objective: { ...objective, ...deadline, ...value } };
  const created = await client.create(TRAINING_JOBS, { ...job, spec }, { fieldManager: FIELD_MANAGER });
  const status = { restartSeconds: { value: restartSeconds.toFixed(1) } };
  await client.mergePatchStatus(TRAINING_JOBS, job.metadata, { status }, { fieldManager: FIELD_MANAGER });
  return created;
}
