import { TRAINING_JOB_LABEL } from '../../api/annotations.ts';
import { fromDecimal } from '../../api/decimal.ts';
import type { GpuReading } from '../../core/account/gpu-energy.ts';
import { type Charge, charge, type JobAccount, type PoolMeter } from '../../core/account/job-account.ts';
import { type NodeShares, type StandingNode, shareNodes } from '../../core/account/node-shares.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import { SECONDS_PER_HOUR } from '../../core/model/cost-rate.ts';
import { keyOf } from '../../kube/resource.ts';
import type { GpuMeasurement } from '../../ports/gpu-meter.ts';
import { type ClusterView, isOfDaemonSet, nodesOfPool, PODS_BY_NODE } from '../cluster-view.ts';
import type { GpuPoolObject, Node, Pod } from '../kinds.ts';
import { gpusOf, isLive, isScheduled } from '../pods.ts';
import { GPU_RESOURCE } from '../training-job/indexed-job.ts';
import type { JobView } from '../training-job/view.ts';
import type { PoolElectricity } from './snapshot.ts';

export interface Look {
  readonly cluster: ClusterView;
  readonly views: readonly JobView[];
  readonly gpus: readonly GpuMeasurement[];
  readonly electricityOf: (pool: GpuPoolObject, now: InstantSeconds) => PoolElectricity | undefined;
  readonly accountOf: (view: JobView) => JobAccount;
  readonly now: InstantSeconds;
}

/** What a pool's nodes have cost since the last look, and whom. Currency of the pool. */
export interface PoolBill {
  readonly pool: string;
  readonly currency: string;
  readonly jobs: number;
  readonly foreign: number;
  readonly unclaimed: number;
}

/** Charges jobs for the nodes that stand for them and for the energy that they use. */
export class FleetBooks {
  readonly #lastHeld = new Map<string, NodeShares['lastHeld']>();
  #billedUntil: InstantSeconds | undefined;

  /** Jobs that held a node which still stands empty: they are charged for it even after their end. */
  get lastHolders(): ReadonlySet<string> {
    const holders = [...this.#lastHeld.values()].flatMap((nodes) => [...nodes.values()].flat());
    return new Set(holders.map(({ key }) => key));
  }

  /** The accounts after the time since the last look. Cost: nodes and pods of all pools. */
  settle(look: Look): { readonly accounts: ReadonlyMap<string, JobAccount>; readonly bills: readonly PoolBill[] } {
    const { cluster, views, electricityOf, now } = look;
    const readings = readingsByPod(look.gpus);
    const accounts = new Map<string, JobAccount>();
    const bills: PoolBill[] = [];
    const seconds = Math.max(0, now - (this.#billedUntil ?? now));
    for (const pool of cluster.pools.list()) {
      const { name } = pool.metadata;
      const ofPool = views.filter((view) => view.pool?.metadata.name === name);
      const nodes = nodesOfPool(cluster, pool).map((node) => standingNode(cluster, node));
      const shares = this.#share(nodes, pool, ofPool);
      const electricity = electricityOf(pool, now);
      for (const view of ofPool) {
        const key = keyOf(view.job);
        const account = look.accountOf(view);
        accounts.set(key, charge(account, chargeOf(view, pool, shares, { electricity, readings, now }), now));
      }
      bills.push(billOf(pool, pool.spec.cost.billing === 'Gpu' ? gpusInUse(nodes, pool) : shares, seconds));
    }
    this.#billedUntil = now;
    for (const name of this.#lastHeld.keys()) if (cluster.pools.get(name) === undefined) this.#lastHeld.delete(name);
    return { accounts, bills };
  }

  #share(nodes: readonly StandingNode[], pool: GpuPoolObject, views: readonly JobView[]): NodeShares {
    const { name } = pool.metadata;
    const shares = shareNodes(nodes, awaitingOn(pool, views), this.#lastHeld.get(name) ?? new Map());
    this.#lastHeld.set(name, shares.lastHeld);
    return shares;
  }
}

function standingNode(cluster: ClusterView, { metadata: { name } }: Node): StandingNode {
  const held = new Map<string, number>();
  let foreignGpus = 0;
  for (const pod of cluster.pods.byIndex(PODS_BY_NODE, name)) {
    if (!isLive(pod) || isOfDaemonSet(pod)) continue;
    const job = pod.metadata.labels?.[TRAINING_JOB_LABEL];
    const gpus = gpusOf(pod, GPU_RESOURCE);
    if (job === undefined) foreignGpus += gpus;
    else {
      const key = `${pod.metadata.namespace}/${job}`;
      held.set(key, (held.get(key) ?? 0) + gpus);
    }
  }
  return { name, held: [...held].map(([key, gpus]) => ({ key, gpus })), foreignGpus };
}

/** Jobs for whose workers the pool is bringing nodes up. Of a pool that is left to others nobody is the cause. */
function awaitingOn(pool: GpuPoolObject, views: readonly JobView[]) {
  if (pool.spec.provider.type === 'None') return [];
  return views.flatMap(({ job, status, livePods, limits }) => {
    const wanted = Math.max(status.replicas ?? 0, status.resize?.to.replicas ?? 0);
    const missing = wanted - livePods.filter(isScheduled).length;
    return missing > 0 ? [{ key: keyOf(job), gpus: missing * limits.gpusPerReplica }] : [];
  });
}

function chargeOf(
  { job, livePods, limits }: JobView,
  pool: GpuPoolObject,
  { byJob }: NodeShares,
  known: {
    readonly electricity: PoolElectricity | undefined;
    readonly readings: ReadonlyMap<string, readonly GpuReading[]>;
    readonly now: InstantSeconds;
  },
): Charge {
  const { electricity, readings, now } = known;
  const placed = livePods.filter(isScheduled);
  const gpus = placed.length * limits.gpusPerReplica;
  const { billing, pricePerNodeHour } = pool.spec.cost;
  return {
    nodes: billing === 'Gpu' && limits.gpusPerReplica > 0 ? gpus / pool.spec.gpusPerNode : (byJob.get(keyOf(job)) ?? 0),
    pricePerNodeHour: fromDecimal(pricePerNodeHour),
    gpus,
    readings: placed.flatMap((pod: Pod) => readings.get(keyOf(pod)) ?? []),
    meter: meterOf(electricity),
    hour: electricity?.hourNow ?? electricity?.hours?.find(({ from, to }) => from <= now && now < to),
  };
}

/** What a kilowatt per GPU says is at the meter already. */
function meterOf(electricity: PoolElectricity | undefined): PoolMeter {
  if (electricity?.meter !== undefined) return electricity.meter;
  const kilowatts = electricity?.kilowattsPerGpu;
  const gpuWatts = kilowatts === undefined ? undefined : kilowatts * 1000;
  return { gpuWatts, hostWatts: 0, powerUsageEffectiveness: 1 };
}

/** Where GPUs are billed one by one, those that nobody holds cost nothing. */
function gpusInUse(nodes: readonly StandingNode[], { spec }: GpuPoolObject): Shares {
  const byJob = new Map<string, number>();
  let foreign = 0;
  for (const { held, foreignGpus } of nodes) {
    for (const { key, gpus } of held) byJob.set(key, (byJob.get(key) ?? 0) + gpus / spec.gpusPerNode);
    foreign += foreignGpus / spec.gpusPerNode;
  }
  return { byJob, foreign, unclaimed: 0 };
}

type Shares = Omit<NodeShares, 'lastHeld'>;

function billOf(pool: GpuPoolObject, { byJob, foreign, unclaimed }: Shares, seconds: number): PoolBill {
  const { pricePerNodeHour, currency } = pool.spec.cost;
  const cost = (nodes: number) => (nodes * fromDecimal(pricePerNodeHour) * seconds) / SECONDS_PER_HOUR;
  const ofJobs = [...byJob.values()].reduce((sum, nodes) => sum + nodes, 0);
  const { name } = pool.metadata;
  return { pool: name, currency, jobs: cost(ofJobs), foreign: cost(foreign), unclaimed: cost(unclaimed) };
}

function readingsByPod(gpus: readonly GpuMeasurement[]): ReadonlyMap<string, readonly GpuReading[]> {
  const byPod = new Map<string, GpuReading[]>();
  for (const { namespace, pod, device, share, joules, watts } of gpus) {
    const key = `${namespace}/${pod}`;
    const readings = byPod.get(key) ?? [];
    byPod.set(key, readings);
    readings.push({ id: `${key}/${device}`, share, joules, watts });
  }
  return byPod;
}
