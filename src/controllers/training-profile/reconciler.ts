import { isDeepStrictEqual } from 'node:util';
import type { TrainingProfileStatus } from '../../api/training-profile.ts';
import { mergeRuns } from '../../core/profile/merge.ts';
import { setConditions } from '../../kube/conditions.ts';
import type { ReconcileResult } from '../../kube/controller.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import type { ClusterView } from '../cluster-view.ts';
import { Freshest } from '../freshest.ts';
import { TRAINING_PROFILES, type TrainingJobObject, type TrainingProfileObject } from '../kinds.ts';
import { FIELD_MANAGER } from '../training-job/actuate.ts';
import { runsOf } from './priors-for.ts';
import { describeRuns } from './profile-status.ts';
import { fromRunRecord } from './run-codec.ts';
import { runOfJob } from './run-of-job.ts';
import { storeRuns } from './store-runs.ts';

export interface TrainingProfileReconcilerOptions {
  readonly client: KubeClient;
  readonly cluster: ClusterView;
  readonly newestJob: (cached: TrainingJobObject) => TrainingJobObject;
  readonly nowSeconds: () => number;
  readonly monotonicSeconds: () => number;
}

/** The profile that the job's run goes into; undefined for a job without a family. */
export function profileKeyOf({ metadata, spec }: TrainingJobObject): string | undefined {
  const family = spec.prediction?.family;
  return family === undefined ? undefined : `${metadata.namespace}/${family}`;
}

/**
 * Keeps what the ended runs of a family taught. Level-based: whichever ended jobs are still there are merged in, each
 * once, so that it does not matter who saw which end. A profile is made with its first run.
 */
export class TrainingProfileReconciler {
  readonly #options: TrainingProfileReconcilerOptions;
  readonly #profiles: Freshest<TrainingProfileObject>;

  constructor(options: TrainingProfileReconcilerOptions) {
    this.#options = options;
    this.#profiles = new Freshest(options.monotonicSeconds);
  }

  async reconcile(key: string): Promise<ReconcileResult> {
    const { cluster, newestJob } = this.#options;
    const known = this.#profiles.of(key, cluster.profiles.get(key));
    if (known?.metadata.deletionTimestamp !== undefined) return {};

    // 1. Merge the runs that have ended into those that are remembered.
    const pools = cluster.pools.list();
    const ended = cluster.trainingJobs
      .list()
      .filter((job) => profileKeyOf(job) === key)
      .flatMap((job) => runOfJob(newestJob(job), pools) ?? []);
    const before = known === undefined ? [] : runsOf(known);
    if (known === undefined && ended.length === 0) return {};
    const merged = mergeRuns(before, ended);
    const runs = merged.map(fromRunRecord);

    // 2. Store them, and what they come to.
    const [namespace = '', name = ''] = key.split('/');
    const isNew = known === undefined || !isDeepStrictEqual(plain(known.spec.runs), plain(runs));
    const profile = isNew
      ? this.#profiles.remember(await storeRuns(this.#options.client, { namespace, name }, known, runs))
      : known;
    await this.#describe(profile);
    return {};
  }

  async #describe(profile: TrainingProfileObject): Promise<void> {
    const { apiVersion, kind, metadata } = profile;
    const { generation = 0, name, namespace } = metadata;
    const runs = runsOf(profile);
    const timed = runs.filter(({ stepTime }) => stepTime !== undefined).length;
    const usable =
      timed > 0
        ? { status: 'True' as const, reason: 'Learned', message: `${timed} of ${runs.length} runs were timed` }
        : { status: 'False' as const, reason: 'NothingTimed', message: 'no run was timed yet' };
    const conditions = setConditions(
      profile.status?.conditions,
      [{ type: 'Usable', observedGeneration: generation, ...usable }],
      this.#options.nowSeconds() * 1000,
    );
    const status: TrainingProfileStatus = {
      observedGeneration: generation,
      ...describeRuns(runs),
      conditions: [...conditions],
    };
    if (isDeepStrictEqual(plain(profile.status), plain(status))) return;
    const applied = await this.#options.client.applyStatus(
      TRAINING_PROFILES,
      { apiVersion, kind, metadata: { name, namespace }, status },
      { fieldManager: FIELD_MANAGER },
    );
    this.#profiles.remember(applied);
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? {}));
}
