// Sets the demo's objects up, and takes them away again.

import { setTimeout as sleep } from 'node:timers/promises';
import { GPU_POOLS, PODS, SCALING_POLICIES, TRAINING_JOBS } from '../../../src/controllers/kinds.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { applyCrds, applyPoolsAndPolicy, NAMESPACES, NODE_POOLS, POLICY_NAME } from './objects.ts';
import { DEMO_NAMESPACE, DEMO_POOLS } from './settings.ts';
import { waitFor } from './wait.ts';

/** Leaves an empty namespace, the CRDs, the pools and the policy, whatever an interrupted demo left behind. */
export async function prepareStage(client: KubeClient): Promise<void> {
  await applyCrds(client);
  await removeJobs(client);
  await waitFor(`the namespace ${DEMO_NAMESPACE} of an earlier demo to go`, 60, async () => {
    const namespace = await client.get(NAMESPACES, { name: DEMO_NAMESPACE });
    return namespace?.metadata.deletionTimestamp === undefined;
  });
  if ((await client.get(NAMESPACES, { name: DEMO_NAMESPACE })) === undefined) {
    await client.create(NAMESPACES, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: DEMO_NAMESPACE } });
  }
  await applyPoolsAndPolicy(client);
}

/** Ends the jobs while the operator still works, so that it gives their nodes back itself. */
export async function removeJobs(client: KubeClient): Promise<void> {
  const { items } = await client.list(TRAINING_JOBS, { namespace: DEMO_NAMESPACE });
  for (const job of items) await client.delete(TRAINING_JOBS, job.metadata);
  await waitFor('the workers of the demo to end', 60, async () => {
    const pods = await client.list(PODS, { namespace: DEMO_NAMESPACE });
    return pods.items.length === 0;
  });
}

export async function removePools(client: KubeClient): Promise<void> {
  // The operator is gone by now: what it had not given back yet is given back here.
  for (const { name, nodePool } of DEMO_POOLS) {
    await client.setScale(NODE_POOLS, { name: nodePool }, { replicas: 0 });
    await client.delete(GPU_POOLS, { name });
  }
  await client.delete(SCALING_POLICIES, { name: POLICY_NAME });
  await client.delete(NAMESPACES, { name: DEMO_NAMESPACE });
  // The controller manager goes on with the deletion by itself.
  await sleep(100);
}
