import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after } from 'mocha';
import { parse } from 'yaml';
import {
  API_VERSION,
  ENERGY_SOURCE,
  GPU_POOL,
  type ResourceNames,
  SCALING_POLICY,
  TRAINING_JOB,
  TRAINING_PROFILE,
} from '../../../src/api/group.ts';
import { CUSTOM_RESOURCES } from '../../../src/api/resources.ts';
import { connect } from '../../../src/kube/connect.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { isKubeError, type KubeError } from '../../../src/kube/kube-error.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { testKubeconfig } from '../../support/api-server.ts';

/** Any object: these tests send wrong ones on purpose. */
export type LooseObject = KubeObject & { spec?: unknown; status?: unknown };

const resourceOf = (names: ResourceNames): Resource<LooseObject> => ({
  apiVersion: API_VERSION,
  kind: names.kind,
  plural: names.plural,
  namespaced: names.scope === 'Namespaced',
});

export const TRAINING_JOBS = resourceOf(TRAINING_JOB);
export const GPU_POOLS = resourceOf(GPU_POOL);
export const ENERGY_SOURCES = resourceOf(ENERGY_SOURCE);
export const SCALING_POLICIES = resourceOf(SCALING_POLICY);
export const TRAINING_PROFILES = resourceOf(TRAINING_PROFILE);

const CRDS: Resource<LooseObject> = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  plural: 'customresourcedefinitions',
  namespaced: false,
};

const crdDirectory = path.join(import.meta.dirname, '../../../crds');
let shared: Promise<KubeClient> | undefined;

/** A client of a real API server that serves our CRDs; one for all files of this folder. */
export function clientWithCrds(): Promise<KubeClient> {
  shared ??= open();
  return shared;
}

after(async () => {
  (await shared)?.close();
});

async function open(): Promise<KubeClient> {
  const client = connect({
    kubeconfigPath: await testKubeconfig(),
    requestTimeoutSeconds: 10,
    rateLimit: { perSecond: 500, burst: 500 },
  });
  for (const { names } of CUSTOM_RESOURCES) await installCrd(client, names.plural);
  return client;
}

async function installCrd(client: KubeClient, plural: string): Promise<void> {
  const crd: LooseObject = parse(await readFile(path.join(crdDirectory, `stepwise.dev_${plural}.yaml`), 'utf8'));
  const { metadata } = await client.apply(CRDS, crd, { fieldManager: 'test' });
  for (;;) {
    const found = await client.get(CRDS, { name: metadata.name });
    const { conditions } = (found?.status ?? {}) as { conditions?: { type: string; status: string }[] | null };
    if (conditions?.some(({ type, status }) => type === 'Established' && status === 'True')) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The refusal that the API server must answer with; fails when it admits the object. */
export async function refusalOf(call: Promise<unknown>): Promise<KubeError> {
  try {
    await call;
  } catch (error) {
    if (isKubeError(error)) return error;
    throw error;
  }
  throw new Error('the API server admitted what it should have refused');
}
