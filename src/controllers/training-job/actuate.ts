import { TUNING_VERSION_ANNOTATION } from '../../api/annotations.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isAlreadyExists, isInvalid, isNotFound } from '../../kube/kube-error.ts';
import type { Freshest } from '../freshest.ts';
import { CONFIG_MAPS, type ConfigMap, JOBS, PODS, SERVICES, type WorkerJob } from '../kinds.ts';
import type { Move } from './draft.ts';
import { buildService, buildWorkerJob, jobName } from './indexed-job.ts';
import { buildTuningConfigMap } from './tuning-file.ts';
import type { JobView } from './view.ts';

/** The one name under which everything of a job is written. */
export const FIELD_MANAGER = 'stepwise';

export interface Actuators {
  readonly client: KubeClient;
  readonly workerJobs: Freshest<WorkerJob>;
  readonly configMaps: Freshest<ConfigMap>;
}

/** The API server refused the workload that was made from the user's pod template. */
export class PodTemplateRefused extends Error {
  override readonly name = 'PodTemplateRefused';
}

/** Makes the moves in order. Throws at the first that fails; the next reconcile makes what is left. */
export async function actuate(actuators: Actuators, view: JobView, moves: readonly Move[]): Promise<void> {
  for (const move of moves) {
    switch (move.type) {
      case 'WriteTuning':
        await writeTuning(actuators, view, move);
        break;
      case 'CreateWorkload':
        await createWorkload(actuators, view, move.replicas);
        break;
      case 'SizeWorkload':
        await sizeWorkload(actuators, view, move);
        break;
    }
  }
}

async function writeTuning(
  actuators: Actuators,
  view: JobView,
  move: Extract<Move, { type: 'WriteTuning' }>,
): Promise<void> {
  const { client, configMaps } = actuators;
  const configMap = buildTuningConfigMap(view.job, move.tuning, move.replicas);
  configMaps.remember(await client.apply(CONFIG_MAPS, configMap, { fieldManager: FIELD_MANAGER }));
  // A change of the pod makes its kubelet sync the volume now instead of within a minute.
  const annotations = { [TUNING_VERSION_ANNOTATION]: String(move.tuning.version) };
  await Promise.all(
    view.livePods.map(({ metadata: { name, namespace } }) =>
      client
        .mergePatch(PODS, { name, namespace }, { metadata: { annotations } }, { fieldManager: FIELD_MANAGER })
        .catch((error) => {
          if (!isNotFound(error)) throw error;
        }),
    ),
  );
}

async function createWorkload(actuators: Actuators, view: JobView, replicas: number): Promise<void> {
  const { client, workerJobs } = actuators;
  if (view.pool === undefined) throw new Error(`${view.job.metadata.name} has no pool to start on`);
  await client.apply(SERVICES, buildService(view.job), { fieldManager: FIELD_MANAGER });
  try {
    const job = buildWorkerJob(view.job, view.pool, replicas);
    workerJobs.remember(await client.create(JOBS, job, { fieldManager: FIELD_MANAGER }));
  } catch (error) {
    // Made by this operator before it was interrupted; the informer will bring it.
    if (isAlreadyExists(error)) return;
    if (isInvalid(error)) throw new PodTemplateRefused(messageOf(error), { cause: error });
    throw error;
  }
}

async function sizeWorkload(
  actuators: Actuators,
  view: JobView,
  move: Extract<Move, { type: 'SizeWorkload' }>,
): Promise<void> {
  const at = { name: jobName(view.job), namespace: view.job.metadata.namespace };
  const { replicas, suspend } = move;
  const patch = { spec: { parallelism: replicas, completions: replicas, suspend } };
  const sized = await actuators.client.mergePatch(JOBS, at, patch, { fieldManager: FIELD_MANAGER });
  actuators.workerJobs.remember(sized);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
