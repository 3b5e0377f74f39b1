// The operator's real reconcilers and planning cycle as one process that can die, with caches that may lag behind.
import { InProcessPlanner } from '../../../src/adapters/planner/in-process-planner.ts';
import { type ClusterView, POD_INDEXES } from '../../../src/controllers/cluster-view.ts';
import { EnergyMemory } from '../../../src/controllers/energy-source/energy-memory.ts';
import { FleetCycle, type FleetCycleOptions } from '../../../src/controllers/fleet/fleet-cycle.ts';
import { FleetMemory } from '../../../src/controllers/fleet/fleet-memory.ts';
import { GpuPoolReconciler } from '../../../src/controllers/gpu-pool/reconciler.ts';
import type { Pod } from '../../../src/controllers/kinds.ts';
import { TrainingJobReconciler } from '../../../src/controllers/training-job/reconciler.ts';
import type { Clock } from '../../../src/kube/clock.ts';
import { EventRecorder } from '../../../src/kube/events.ts';
import { isKubeError } from '../../../src/kube/kube-error.ts';
import { ObjectStore } from '../../../src/kube/object-store.ts';
import { type KubeObject, keyOf } from '../../../src/kube/resource.ts';
import { labelledJob, ownerKeys } from '../../../src/operator/watches.ts';
import type { MetricsSource } from '../../../src/ports/metrics-source.ts';
import type { NodeScaler } from '../../../src/ports/node-scaler.ts';
import { clientOf, type FaultyLine, ProcessDied, scalerOf } from './faults.ts';
import type { Change, MemoryApiServer } from './memory-api-server.ts';

export const WATCHED = ['trainingjobs', 'gpupools', 'scalingpolicies', 'jobs', 'pods', 'nodes', 'configmaps'] as const;
export type Watched = (typeof WATCHED)[number];

export interface ProcessOptions {
  readonly server: MemoryApiServer;
  readonly line: FaultyLine;
  readonly scaler: NodeScaler;
  readonly metrics: MetricsSource;
  readonly clock: Clock;
  readonly electricityOf?: FleetCycleOptions['electricityOf'];
  readonly gpuMeter?: FleetCycleOptions['gpuMeter'];
  readonly onSettled?: FleetCycleOptions['onSettled'];
}

const READ_INTERVAL_SECONDS = 5;
const RETRY_SECONDS = 1;
/** A key that is reconciled more often than this at one instant feeds itself. */
const MOST_RECONCILES_AT_ONCE = 25;

/** One life of the operator: `tick` lets it do all that it wants to do at this instant. */
export class OperatorProcess {
  readonly #options: ProcessOptions;
  readonly #state = { dead: false };
  readonly #stores = new Map<Watched, { store: ObjectStore<KubeObject>; seen: number }>();
  readonly #jobs: TrainingJobReconciler;
  readonly #pools: GpuPoolReconciler;
  readonly #fleet: FleetCycle;
  /** When each key is due, in seconds of the clock; jobs have a slash in their key, pools none. */
  readonly #due = new Map<string, number>();
  #readAt = Number.NEGATIVE_INFINITY;
  /** Errors that were no fault of the line: defects. */
  readonly defects: unknown[] = [];
  reconciles = 0;

  constructor(options: ProcessOptions) {
    this.#options = options;
    const { server, line, clock } = options;
    for (const plural of WATCHED) {
      const store = new ObjectStore<KubeObject>(plural === 'pods' ? (POD_INDEXES as never) : {});
      store.replace(server.list(plural));
      this.#stores.set(plural, { store, seen: server.history.length });
    }
    const client = clientOf(server, line, this.#state);
    const cluster = this.#clusterView();
    const events = new EventRecorder({
      client,
      reportingController: 'test',
      reportingInstance: 'test',
      clock,
    });
    const memory = new FleetMemory();
    const energy = new EnergyMemory();
    const times = { nowSeconds: () => clock.now() / 1000, monotonicSeconds: () => clock.monotonicSeconds() };
    this.#jobs = new TrainingJobReconciler({ client, cluster, memory, events, ...times });
    const newest = this.#jobs.newest.bind(this.#jobs);
    const scaler = scalerOf(options.scaler, line, this.#state);
    this.#pools = new GpuPoolReconciler({ client, cluster, scaler, energy, events, newestJob: newest, ...times });
    this.#fleet = new FleetCycle({
      cluster,
      memory,
      metrics: options.metrics,
      electricityOf: options.electricityOf,
      gpuMeter: options.gpuMeter,
      onSettled: options.onSettled,
      planner: new InProcessPlanner(),
      gatherers: { cluster, memory, ...this.#jobs.written },
      newest,
      nowSeconds: times.nowSeconds,
      enqueue: (key) => this.#enqueue(key),
      onPlanned: () => undefined,
      onPlanFailed: ({ message }) => this.defects.push(new Error(message)),
      onMetricsRead: () => undefined,
    });
    for (const plural of ['trainingjobs', 'gpupools'] as const) {
      for (const object of server.list(plural)) this.#enqueue(keyOf(object));
    }
  }

  get isDead(): boolean {
    return this.#state.dead;
  }

  async tick(lagging: ReadonlySet<Watched>): Promise<void> {
    const now = this.#now();
    this.#followWatches(lagging);
    if (now - this.#readAt >= READ_INTERVAL_SECONDS) {
      this.#readAt = now;
      await this.#fleet.run(new AbortController().signal);
      await this.#fleet.planned;
    }
    const times = new Map<string, number>();
    for (;;) {
      const key = [...this.#due].find(([, at]) => at <= now)?.[0];
      if (key === undefined || this.isDead) return;
      this.#due.delete(key);
      const count = (times.get(key) ?? 0) + 1;
      times.set(key, count);
      if (count > MOST_RECONCILES_AT_ONCE) throw new Error(`${key} was reconciled ${count} times at one instant`);
      await this.#reconcile(key);
      this.#followWatches(lagging);
    }
  }

  async #reconcile(key: string): Promise<void> {
    this.reconciles++;
    try {
      const result = await (key.includes('/') ? this.#jobs.reconcile(key) : this.#pools.reconcile(key));
      if (result.requeueAfterSeconds !== undefined) this.#enqueueAfter(key, result.requeueAfterSeconds);
    } catch (error) {
      if (error instanceof ProcessDied) return;
      if (!isKubeError(error)) this.defects.push(error);
      this.#enqueueAfter(key, RETRY_SECONDS);
    }
  }

  /** As the controllers are wired in `operator/wire.ts`. */
  #followWatches(lagging: ReadonlySet<Watched>): void {
    for (const [plural, watch] of this.#stores) {
      if (lagging.has(plural)) continue;
      const { history } = this.#options.server;
      for (; watch.seen < history.length; watch.seen++) {
        const change = history[watch.seen];
        if (change?.plural === plural) this.#takeIn(plural, watch.store, change);
      }
    }
  }

  #takeIn(plural: Watched, store: ObjectStore<KubeObject>, change: Change): void {
    const object = change.object ?? change.last;
    if (change.object === undefined) store.remove(change.key);
    else store.put(structuredClone(change.object));
    const pools = () => this.#options.server.list('gpupools').map(keyOf);
    const keys = {
      trainingjobs: () => [keyOf(object), ...pools()],
      gpupools: () => [keyOf(object)],
      scalingpolicies: () => [],
      jobs: () => ownerKeys(object),
      configmaps: () => ownerKeys(object),
      pods: () => labelledJob(object as Pod),
      nodes: pools,
    }[plural]();
    for (const key of keys) this.#enqueue(key);
  }

  #enqueue(key: string): void {
    this.#due.set(key, this.#now());
  }

  #enqueueAfter(key: string, seconds: number): void {
    this.#due.set(key, Math.min(this.#due.get(key) ?? Number.POSITIVE_INFINITY, this.#now() + seconds));
  }

  #clusterView(): ClusterView {
    // Informers read through the very stores that they are made of; only the watching is the test's.
    const of = (plural: Watched) => this.#stores.get(plural)?.store;
    const view = {
      trainingJobs: of('trainingjobs'),
      pools: of('gpupools'),
      policies: of('scalingpolicies'),
      // No job of the stories has a family.
      profiles: new ObjectStore<KubeObject>(),
      workerJobs: of('jobs'),
      pods: of('pods'),
      nodes: of('nodes'),
      configMaps: of('configmaps'),
    };
    return view as unknown as ClusterView;
  }

  #now(): number {
    return this.#options.clock.monotonicSeconds();
  }
}
