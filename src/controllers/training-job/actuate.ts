import { TUNING_VERSION_ANNOTATION } from '../../api/annotations.ts';
import type { KubeClient } from '../../kube/kube-client.ts';
import { isAlreadyExists, isInvalid, isNotFound, KubeError } from '../../kube/kube-error.ts';
import { type KubeObject, keyOf, type Resource } from '../../kube/resource.ts';
import type { Freshest } from '../freshest.ts';
import { CONFIG_MAPS, type ConfigMap, JOBS, PODS, SERVICES, type WorkerJob } from '../kinds.ts';
import type { Move } from './draft.ts';
import { buildService, buildWorkerJob, isOwnedBy, jobName } from './indexed-job.ts';
import { buildTuningConfigMap } from './tuning-file.ts';
import type { JobView } from './view.ts';

/** The one name under which everything of a job is written. */
export const FIELD_MANAGER = 'stepwise';

export interface Actuators {
  readonly client: KubeClient;
  readonly workerJobs: Freshest<WorkerJob>;
  readonly configMaps: Freshest<ConfigMap>;
}

/** What the workload needs cannot be made, and trying again at once cannot mend it. */
export class WorkloadRefused extends Error {
  override readonly name = 'WorkloadRefused';
  readonly reason: 'PodTemplateRefused' | 'NameTaken';

  constructor(reason: WorkloadRefused['reason'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
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
  if (view.tuningResourceVersion === undefined) {
    const found = await findOwn(actuators, CONFIG_MAPS, configMap, view);
    if (found !== undefined) throw staleView(configMaps.remember(found));
  }
  // The version that was decided upon: a number must never be given to two tunings.
  configMap.metadata.resourceVersion = view.tuningResourceVersion;
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
  const service = buildService(view.job);
  await findOwn(actuators, SERVICES, service, view);
  await client.apply(SERVICES, service, { fieldManager: FIELD_MANAGER });
  const job = buildWorkerJob(view.job, view.pool, replicas);
  try {
    workerJobs.remember(await client.create(JOBS, job, { fieldManager: FIELD_MANAGER }));
  } catch (error) {
    if (isInvalid(error)) throw new WorkloadRefused('PodTemplateRefused', messageOf(error), { cause: error });
    if (!isAlreadyExists(error)) throw error;
    // Made by this operator before it was interrupted, or by somebody else, whose objects are not watched.
    const own = await findOwn(actuators, JOBS, job, view);
    if (own !== undefined) workerJobs.remember(own);
  }
}

/** The object if it is there and the job's own. Throws when the name is somebody else's. */
async function findOwn<T extends KubeObject>(
  { client }: Actuators,
  resource: Resource<T>,
  { metadata: { name, namespace } }: KubeObject,
  view: JobView,
): Promise<T | undefined> {
  const found = await client.get(resource, { name, namespace });
  if (found === undefined || isOwnedBy(found, view.job)) return found;
  const message = `a ${resource.kind} named ${name} exists and belongs to someone else: rename the TrainingJob`;
  throw new WorkloadRefused('NameTaken', message);
}

/** Looked like a conflict by the server's rules, so that the reconcile is tried again with what is there now. */
function staleView(found: KubeObject): KubeError {
  return new KubeError({ status: 409, reason: 'Conflict', message: `${keyOf(found)} is there already; looking again` });
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
