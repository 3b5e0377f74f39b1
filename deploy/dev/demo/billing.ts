// What the cluster's owner is billed, from what the API server shows: machines, as long as they exist.

import { TRAINING_JOB_LABEL } from '../../../src/api/annotations.ts';
import { PODS, type Pod } from '../../../src/controllers/kinds.ts';
import { isLive, isScheduled } from '../../../src/controllers/pods.ts';
import { Informer } from '../../../src/kube/informer.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { DEMO_NAMESPACE, DEMO_POOLS, type DemoPool, TIME_LAPSE } from './settings.ts';

/** A machine that Karpenter rents. */
interface NodeClaim extends KubeObject {
  status?: { nodeName?: string };
}

const NODE_CLAIMS: Resource<NodeClaim> = {
  apiVersion: 'karpenter.sh/v1',
  kind: 'NodeClaim',
  plural: 'nodeclaims',
  namespaced: false,
};
const NODE_POOL_LABEL = 'karpenter.sh/nodepool';
const TICK_MILLISECONDS = 200;

export interface Bill {
  /** Machines from launch to removal: what is paid. */
  readonly machinesUsd: number;
  /** The part of it while workers stood on them: what the operator counts. */
  readonly workersUsd: number;
  readonly firstBilledAt: number | undefined;
  /** What its machines cost now. */
  readonly usdPerHour: number;
}

const NO_BILL: Bill = { machinesUsd: 0, workersUsd: 0, firstBilledAt: undefined, usdPerHour: 0 };

interface Machine {
  /** Rent since it was launched that no job has taken over yet. */
  unassignedUsd: number;
  unassignedSince: number;
  job: string | undefined;
}

/**
 * Integrates price over time. A machine is charged to the job whose worker is on it; before its first worker comes, to
 * the job that the worker will be of; after its last one went, to the job that it was of, until the job has ended.
 */
export class Billing {
  readonly #pods: Informer<Pod>;
  readonly #claims: Informer<NodeClaim>;
  readonly #machines = new Map<string, Machine>();
  readonly #bills = new Map<string, Bill>();
  readonly #closed = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #lookedAt: number | undefined;

  constructor(client: KubeClient) {
    this.#pods = new Informer({
      client,
      namespace: DEMO_NAMESPACE,
      resource: PODS,
      labelSelector: TRAINING_JOB_LABEL,
    });
    this.#claims = new Informer({ client, resource: NODE_CLAIMS });
  }

  async start(stop: AbortSignal): Promise<void> {
    for (const informer of [this.#pods, this.#claims]) informer.run(stop).catch(() => undefined);
    await Promise.all([this.#pods.synced, this.#claims.synced]);
    this.#timer = setInterval(() => this.#look(Date.now() / 1000), TICK_MILLISECONDS);
    stop.addEventListener('abort', () => clearInterval(this.#timer), { once: true });
  }

  of(job: string): Bill {
    return this.#bills.get(job) ?? NO_BILL;
  }

  /** The job has ended: what its machines cost from now on until they are removed is not counted. */
  close(job: string): void {
    this.#closed.add(job);
  }

  /** Machines of the demo's pools that exist now. */
  get machines(): number {
    return this.#claims.list().filter((claim) => poolOf(claim) !== undefined).length;
  }

  #look(now: number): void {
    const seconds = now - (this.#lookedAt ?? now);
    this.#lookedAt = now;
    for (const [job, bill] of this.#bills) this.#bills.set(job, { ...bill, usdPerHour: 0 });
    for (const claim of this.#claims.list()) {
      const pool = poolOf(claim);
      if (pool !== undefined) this.#charge(claim, { now, seconds, usdPerHour: pool.usdPerNodeHour * TIME_LAPSE });
    }
  }

  #charge(
    claim: NodeClaim,
    { now, seconds, usdPerHour }: { readonly now: number; readonly seconds: number; readonly usdPerHour: number },
  ): void {
    const { name } = claim.metadata;
    const usd = (usdPerHour * seconds) / 3600;
    const machine = this.#machines.get(name) ?? { unassignedUsd: 0, unassignedSince: now, job: undefined };
    this.#machines.set(name, machine);
    const worker = this.#workerOn(claim.status?.nodeName);
    machine.job = worker ?? machine.job;
    if (machine.job === undefined) {
      machine.unassignedUsd += usd;
      return;
    }
    if (this.#closed.has(machine.job)) return;
    const bill = this.of(machine.job);
    this.#bills.set(machine.job, {
      machinesUsd: bill.machinesUsd + machine.unassignedUsd + usd,
      workersUsd: bill.workersUsd + (worker === undefined ? 0 : usd),
      firstBilledAt: Math.min(bill.firstBilledAt ?? now, machine.unassignedSince),
      usdPerHour: bill.usdPerHour + usdPerHour,
    });
    machine.unassignedUsd = 0;
  }

  #workerOn(node: string | undefined): string | undefined {
    if (node === undefined) return undefined;
    const pod = this.#pods
      .list()
      .find((candidate) => candidate.spec.nodeName === node && isLive(candidate) && isScheduled(candidate));
    return pod?.metadata.labels?.[TRAINING_JOB_LABEL];
  }
}

function poolOf(claim: NodeClaim): DemoPool | undefined {
  const nodePool = claim.metadata.labels?.[NODE_POOL_LABEL];
  return DEMO_POOLS.find((pool) => pool.nodePool === nodePool);
}
