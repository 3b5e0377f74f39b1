import { randomBytes } from 'node:crypto';
import { connect } from '../../../src/kube/connect.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { testKubeconfig } from '../../support/api-server.ts';

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export const CONFIG_MAPS: Resource<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
const NAMESPACES: Resource<KubeObject> = {
  apiVersion: 'v1',
  kind: 'Namespace',
  plural: 'namespaces',
  namespaced: false,
};

/** A client straight to the server and a namespace of the test's own. */
export async function aNamespace(): Promise<{ client: KubeClient; namespace: string; kubeconfigPath: string }> {
  const kubeconfigPath = await testKubeconfig();
  const client = connect({ kubeconfigPath, requestTimeoutSeconds: 10, rateLimit: { perSecond: 1000, burst: 1000 } });
  const namespace = `kube-test-${randomBytes(4).toString('hex')}`;
  await client.create(NAMESPACES, { metadata: { name: namespace } });
  return { client, namespace, kubeconfigPath };
}

/** Polls until `isTrue`, and says after `seconds` what was wanted. Returns the seconds it took. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, seconds = 10): Promise<number> {
  const startedAt = performance.now();
  const waited = () => (performance.now() - startedAt) / 1000;
  while (!(await isTrue())) {
    if (waited() > seconds) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return waited();
}
