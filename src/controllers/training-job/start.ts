import { toInstant } from '../instants.ts';
import { newTuning } from './batch-change.ts';
import { allocationOf, type Draft } from './draft.ts';
import { plannedStart } from './start-plan.ts';
import { configurationOf, currentConfiguration, initialConfiguration, type JobView, shapeOf } from './view.ts';

/** Brings a run to life that has no workload: nodes first where they are ours to ask for, then the pods. */
export function startWorkload(view: JobView, draft: Draft, replicas: number): void {
  const { pool, limits } = view;
  const reachableGpus = view.reachableGpus();
  if (pool === undefined || replicas === 0) return;
  const poolName = pool.metadata.name;
  draft.status.pool = poolName;
  draft.status.replicas = replicas;

  const gpus = replicas * limits.gpusPerReplica;
  if (reachableGpus !== undefined && reachableGpus < gpus) {
    draft.condition(
      'CapacityReady',
      'False',
      'WaitingForNodes',
      `pool ${poolName} has ${reachableGpus} of the ${gpus} GPUs needed ready; nodes were asked for`,
    );
    draft.lookAgainIn(5);
    return;
  }

  const shape = shapeOf(pool);
  const resumed = view.tuning !== undefined && view.tunedReplicas === replicas;
  const planned = plannedStart(view, shape, replicas);
  const configuration = resumed
    ? currentConfiguration({ ...view, shape })
    : (planned ?? initialConfiguration({ ...limits, initialReplicas: replicas }, shape));
  const tuning =
    resumed && view.tuning !== undefined
      ? view.tuning
      : newTuning(view, configuration, (view.tuning?.version ?? 0) + 1, 'start of the run');
  draft.move({ type: 'WriteTuning', tuning, replicas });
  draft.move({ type: 'CreateWorkload', replicas });
  draft.status.startTime ??= toInstant(view.now);
  if (resumed) return;
  draft.record({
    action: 'Start',
    to: allocationOf(configurationOf(tuning, limits, shape, replicas)),
    reason: 'Started',
    message: `started as ${planned === undefined ? 'asked' : 'forecast to be best'}: ${replicas} worker${replicas === 1 ? '' : 's'}, global batch ${tuning.globalBatchSize}`,
  });
  draft.event('Normal', 'Started', `${replicas} workers on pool ${poolName}, global batch ${tuning.globalBatchSize}`);
}
