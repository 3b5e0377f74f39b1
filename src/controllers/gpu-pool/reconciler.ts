import { isDeepStrictEqual } from 'node:util';
import type { ReconcileResult } from '../../kube/controller.ts';
import type { EventRecorder } from '../../kube/events.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { type NodeCount, type NodeScaler, ScalerError } from '../../ports/node-scaler.ts';
import { type ClusterView, endedWorkers } from '../cluster-view.ts';
import type { EnergyMemory } from '../energy-source/energy-memory.ts';
import { Freshest } from '../freshest.ts';
import { GPU_POOLS, type GpuPoolObject, PODS, type TrainingJobObject } from '../kinds.ts';
import { FIELD_MANAGER } from '../training-job/actuate.ts';
import { DO_NOT_DISRUPT_ANNOTATION } from '../training-job/indexed-job.ts';
import { advancePool } from './advance-pool.ts';
import { demandOn } from './demand.ts';
import { newPoolDraft, type PoolDraft, setCondition } from './pool-draft.ts';
import { findPoolProblems } from './pool-problems.ts';
import { reportPoolEnergy } from './report-energy.ts';

export interface GpuPoolReconcilerOptions {
  readonly client: KubeClient;
  readonly cluster: ClusterView;
  readonly scaler: NodeScaler;
  readonly energy: EnergyMemory;
  readonly events: EventRecorder;
  readonly newestJob: (cached: TrainingJobObject) => TrainingJobObject;
  readonly nowSeconds: () => number;
  readonly monotonicSeconds: () => number;
}

/** A pool is looked at this often even when nothing seems to change: its scale may be changed by others. */
const RESYNC_SECONDS = 30;

/** The one writer of a pool's number of nodes. */
export class GpuPoolReconciler {
  readonly #options: GpuPoolReconcilerOptions;
  readonly #pools: Freshest<GpuPoolObject>;
  /** By pool, the uids of ended workers that protect their node no longer. */
  readonly #unprotected = new Map<string, ReadonlySet<string>>();

  constructor(options: GpuPoolReconcilerOptions) {
    this.#options = options;
    this.#pools = new Freshest(options.monotonicSeconds);
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    const { cluster, scaler, energy, events, nowSeconds, newestJob } = this.#options;
    const pool = this.#pools.of(key, cluster.pools.get(key));
    if (pool === undefined || pool.metadata.deletionTimestamp !== undefined) return {};

    const demand = demandOn(cluster, pool, cluster.trainingJobs.list().map(newestJob));
    const now = nowSeconds();
    let asked: NodeCount | undefined;
    try {
      asked = await scaler.read(pool);
    } catch (error) {
      return this.#reportScalerProblem(pool, error, now);
    }
    const problems = findPoolProblems(cluster, pool);
    const draft = advancePool({ now, pool, demand, asked: asked?.desired, problems });
    reportPoolEnergy(draft, { now, pool }, energy);

    // The intent is stored first: a restarted operator then knows since when nodes are waited for.
    await this.#report(pool, draft);
    if (asked !== undefined && demand.nodes < asked.desired) await this.#unprotectEnded(pool);
    if (draft.setNodes !== undefined) {
      try {
        await scaler.setNodes(pool, draft.setNodes, asked?.token);
      } catch (error) {
        if (isConflict(error)) return { requeueAfterSeconds: 1 };
        return this.#reportScalerProblem(pool, error, now);
      }
    }
    if (draft.event !== undefined) events.record({ regarding: pool, ...draft.event });
    return { requeueAfterSeconds: Math.min(RESYNC_SECONDS, draft.requeueAfterSeconds ?? RESYNC_SECONDS) };
  }

  /**
   * A worker that has ended still stands on its node, and for Karpenter its annotation still protects it: of two such
   * nodes it may take the one that trains. So the ended ones lose it before nodes are given back.
   */
  async #unprotectEnded(pool: GpuPoolObject): Promise<void> {
    const patch = { metadata: { annotations: { [DO_NOT_DISRUPT_ANNOTATION]: null } } };
    const done = this.#unprotected.get(pool.metadata.name);
    const ended = endedWorkers(this.#options.cluster, pool);
    for (const { metadata } of ended.filter(({ metadata: { uid = '' } }) => done?.has(uid) !== true)) {
      const { name, namespace } = metadata;
      await this.#options.client
        .mergePatch(PODS, { name, namespace }, patch, { fieldManager: FIELD_MANAGER })
        .catch((error) => {
          if (!isNotFound(error)) throw error;
        });
    }
    this.#unprotected.set(pool.metadata.name, new Set(ended.map(({ metadata: { uid = '' } }) => uid)));
  }

  async #reportScalerProblem(pool: GpuPoolObject, error: unknown, now: number): Promise<ReconcileResult> {
    if (!(error instanceof ScalerError)) throw error;
    const draft = newPoolDraft(pool);
    setCondition(draft, { now, pool }, 'ScalerAvailable', 'False', error.problem, error.message);
    setCondition(draft, { now, pool }, 'Ready', 'False', 'ScalerUnavailable', error.message);
    await this.#report(pool, draft);
    return { requeueAfterSeconds: RESYNC_SECONDS };
  }

  async #report(pool: GpuPoolObject, draft: PoolDraft): Promise<void> {
    const plain = (value: unknown) => JSON.parse(JSON.stringify(value ?? {})) as unknown;
    if (isDeepStrictEqual(plain(pool.status), plain(draft.status))) return;
    const { apiVersion, kind, metadata } = pool;
    const applied = await this.#options.client.applyStatus(
      GPU_POOLS,
      {
        apiVersion,
        kind,
        metadata: { name: metadata.name, resourceVersion: metadata.resourceVersion },
        status: draft.status,
      },
      { fieldManager: FIELD_MANAGER },
    );
    this.#pools.remember(applied);
  }
}
