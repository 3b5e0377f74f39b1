import { isDeepStrictEqual } from 'node:util';
import type { ScalingPolicyStatus } from '../../api/scaling-policy.ts';
import { isTimeZone } from '../../core/plan/weekly-hours.ts';
import { setConditions } from '../../kube/conditions.ts';
import type { ReconcileResult } from '../../kube/controller.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { ClusterView } from '../cluster-view.ts';
import { policyNameFor } from '../fleet/limits.ts';
import { SCALING_POLICIES, type ScalingPolicyObject } from '../kinds.ts';
import { FIELD_MANAGER } from '../training-job/actuate.ts';

export interface ScalingPolicyReconcilerOptions {
  readonly client: KubeClient;
  readonly cluster: ClusterView;
  readonly nowSeconds: () => number;
}

/** Tells the administrator whether a policy is in force, and for how many jobs. */
export class ScalingPolicyReconciler {
  readonly #options: ScalingPolicyReconcilerOptions;

  constructor(options: ScalingPolicyReconcilerOptions) {
    this.#options = options;
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    const { client, cluster, nowSeconds } = this.#options;
    const policy = cluster.policies.get(key);
    if (policy === undefined || policy.metadata.deletionTimestamp !== undefined) return {};
    const status = describePolicy(cluster, policy, nowSeconds());
    if (isDeepStrictEqual(policy.status, status)) return {};
    const { apiVersion, kind, metadata } = policy;
    const applied = { apiVersion, kind, metadata: { name: metadata.name }, status };
    await client.applyStatus(SCALING_POLICIES, applied, { fieldManager: FIELD_MANAGER });
    return {};
  }
}

function describePolicy(cluster: ClusterView, policy: ScalingPolicyObject, now: number): ScalingPolicyStatus {
  const policies = cluster.policies.list();
  const { name, generation = 0 } = policy.metadata;
  const appliesTo = cluster.trainingJobs
    .list()
    .filter((job) => policyNameFor(job.metadata.namespace ?? '', policies) === name).length;
  const change = acceptanceOf(policy, policies);
  const conditions = setConditions(
    policy.status?.conditions,
    [{ type: 'Accepted', observedGeneration: generation, ...change }],
    now * 1000,
  );
  return { observedGeneration: generation, appliesTo, conditions: [...conditions] };
}

function acceptanceOf(policy: ScalingPolicyObject, policies: readonly ScalingPolicyObject[]) {
  const shadowing = shadowedBy(policy, policies);
  if (shadowing !== undefined) {
    const message = `ScalingPolicy ${shadowing} comes first by name for all of its namespaces: rename one or merge them`;
    return { status: 'False' as const, reason: 'Shadowed', message };
  }
  const zone = policy.spec.hours?.timeZone;
  if (zone !== undefined && !isTimeZone(zone)) {
    const message = `spec.hours.timeZone ${zone} is not known, so its windows are not in force: use a name of the IANA database such as Europe/Berlin`;
    return { status: 'False' as const, reason: 'TimeZoneUnknown', message };
  }
  return { status: 'True' as const, reason: 'Accepted', message: describeScope(policy) };
}

/** The policy that takes every namespace of this one; undefined when at least one is left to it. */
function shadowedBy(policy: ScalingPolicyObject, policies: readonly ScalingPolicyObject[]): string | undefined {
  const { namespaces } = policy.spec;
  const { name } = policy.metadata;
  if (namespaces.length === 0) {
    const first = policies.filter(({ spec }) => spec.namespaces.length === 0).sort(byName)[0]?.metadata.name;
    return first === name ? undefined : first;
  }
  const holders = namespaces.map((namespace) => policyNameFor(namespace, policies));
  return holders.includes(name) ? undefined : holders[0];
}

function describeScope(policy: ScalingPolicyObject): string {
  const { namespaces } = policy.spec;
  return namespaces.length === 0
    ? 'in force for every namespace that no other policy names'
    : `in force for ${[...namespaces].sort().join(', ')}`;
}

function byName(one: ScalingPolicyObject, other: ScalingPolicyObject): number {
  return one.metadata.name < other.metadata.name ? -1 : 1;
}
