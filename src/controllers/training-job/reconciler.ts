import type { InstantSeconds } from '../../core/configuration.ts';
import type { ReconcileResult } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { keyOf } from '../../kube/resource.ts';
import type { ClusterView } from '../cluster-view.ts';
import type { FleetMemory } from '../fleet/fleet-memory.ts';
import { Freshest } from '../freshest.ts';
import { type ConfigMap, TRAINING_JOBS, type TrainingJobObject, type WorkerJob } from '../kinds.ts';
import { actuate, FIELD_MANAGER, WorkloadRefused } from './actuate.ts';
import { advance } from './advance.ts';
import type { Draft } from './draft.ts';
import { reportFigures } from './figures.ts';
import { gatherJobView } from './gather.ts';
import { reportSignals } from './signals.ts';
import { keepFirstForecast } from './start-plan.ts';
import { StatusWriter } from './status-writer.ts';

export interface TrainingJobReconcilerOptions {
  readonly client: KubeClient;
  readonly cluster: ClusterView;
  readonly memory: FleetMemory;
  readonly events: EventRecorder;
  readonly nowSeconds: () => number;
  readonly monotonicSeconds: () => number;
}

/** A workload that was refused is tried again after this: what refused it may be another object. */
const REFUSAL_PAUSE_SECONDS = 60;

/** Carries out what was decided for one job: gather, advance, act, report. */
export class TrainingJobReconciler {
  readonly #options: TrainingJobReconcilerOptions;
  readonly #trainingJobs: Freshest<TrainingJobObject>;
  readonly #workerJobs: Freshest<WorkerJob>;
  readonly #configMaps: Freshest<ConfigMap>;
  readonly #statuses: StatusWriter;
  readonly #refusedAt = new Map<string, number>();
  #lookingSince: InstantSeconds | undefined;

  constructor(options: TrainingJobReconcilerOptions) {
    this.#options = options;
    this.#trainingJobs = new Freshest(options.monotonicSeconds);
    this.#workerJobs = new Freshest(options.monotonicSeconds);
    this.#configMaps = new Freshest(options.monotonicSeconds);
    this.#statuses = new StatusWriter(options.monotonicSeconds);
  }

  /** The newest known form of a job; the planning cycle reads through it too. */
  newest(cached: TrainingJobObject): TrainingJobObject {
    return this.#trainingJobs.of(keyOf(cached), cached) ?? cached;
  }

  /** The caches of what this reconciler wrote, for those who build views beside it. */
  get written() {
    return { workerJobs: this.#workerJobs, configMaps: this.#configMaps };
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    const { client, cluster, memory } = this.#options;
    const cached = cluster.trainingJobs.get(key);
    if (cached === undefined || cached.metadata.deletionTimestamp !== undefined) return {};
    const job = this.newest(cached);

    // 1. Gather.
    const now = this.#options.nowSeconds();
    this.#lookingSince ??= now;
    const own = { creationPaused: () => this.#isPaused(key), lookingSince: this.#lookingSince };
    const view = gatherJobView({ cluster, memory, ...this.written, ...own }, job, now);

    // 2. Work out what is to be done.
    const draft = advance(view);
    const findings = memory.get(key, job.metadata.uid);
    if (findings !== undefined) {
      reportSignals(view, draft, findings);
      reportFigures(view, draft, findings);
      keepFirstForecast(view, draft.status);
    }

    // 3. Store the intent before acting on it: a successor then finds what was begun.
    const reported = await this.#report(job, draft);

    // 4. Act. What fails here is tried again by the next reconcile.
    try {
      await actuate({ client, ...this.written }, view, draft.moves);
    } catch (error) {
      if (!(error instanceof WorkloadRefused)) throw error;
      this.#refusedAt.set(key, this.#options.monotonicSeconds());
      draft.refuse(error.reason, error.message);
      await this.#report(reported, draft);
    }
    for (const event of draft.events) this.#options.events.record({ regarding: job, ...event });
    return draft.requeueAfterSeconds === undefined ? {} : { requeueAfterSeconds: draft.requeueAfterSeconds };
  }

  #isPaused(key: string): boolean {
    const since = this.#refusedAt.get(key);
    if (since !== undefined && this.#options.monotonicSeconds() - since < REFUSAL_PAUSE_SECONDS) return true;
    this.#refusedAt.delete(key);
    return false;
  }

  /** Writes the status upon the version it was worked out from: what was read late must not undo what was written. */
  async #report(job: TrainingJobObject, draft: Draft): Promise<TrainingJobObject> {
    const key = keyOf(job);
    const urgent = draft.moves.length > 0 || draft.events.length > 0;
    if (!this.#statuses.isDue(key, job.status, draft.status, urgent)) return job;
    const { apiVersion, kind, metadata } = job;
    const { name, namespace, resourceVersion } = metadata;
    const applied = await this.#options.client.applyStatus(
      TRAINING_JOBS,
      { apiVersion, kind, metadata: { name, namespace, resourceVersion }, status: draft.status },
      { fieldManager: FIELD_MANAGER },
    );
    this.#statuses.written(key);
    return this.#trainingJobs.remember(applied);
  }
}
