import type { GpuPool } from '../../api/gpu-pool.ts';
import type { Tuning } from '../../api/trainer-protocol.ts';
import type { TrainingJobStatus } from '../../api/training-job.ts';
import { type Configuration, type InstantSeconds, ranksPerReplica } from '../../core/configuration.ts';
import type { TrainerReading } from '../../core/estimate/reading.ts';
import { nodesFor } from '../../core/model/cost-rate.ts';
import type { JobDecision } from '../../core/plan-fleet.ts';
import type { StartPlan } from '../../core/plan-start.ts';
import type { JobLimits } from '../../core/snapshot.ts';
import type { Pod, TrainingJobObject, WorkerJob } from '../kinds.ts';

/** Everything a reconcile of one job looks at, gathered before anything is decided. */
export interface JobView {
  readonly now: InstantSeconds;
  /** When this operator first looked at any job; what waits for its planner waits from then on. */
  readonly lookingSince?: InstantSeconds | undefined;
  readonly job: TrainingJobObject;
  readonly status: TrainingJobStatus;
  readonly limits: JobLimits;
  readonly pools: readonly GpuPool[];
  /** The pool that the job is on, or starts on; undefined when it does not exist. */
  readonly pool: GpuPool | undefined;
  /** Undefined when there is none; `foreign` when the name is taken by someone else's. */
  readonly workerJob: WorkerJob | undefined;
  readonly nameTaken: boolean;
  /** The workload was refused a moment ago and is not tried again yet. */
  readonly creationPaused: boolean;
  /** Pods that hold, or wait for, their GPUs. */
  readonly livePods: readonly Pod[];
  readonly readyPods: number;
  readonly unscheduledPods: number;
  readonly tuning: Tuning | undefined;
  readonly tunedReplicas: number | undefined;
  /** Of the ConfigMap that the tuning was read from; undefined when there is none. */
  readonly tuningResourceVersion: string | undefined;
  readonly reading: TrainerReading | undefined;
  readonly metricsProblem: string | undefined;
  /** Whether this process has read the metrics, so that a missing reading means a silent trainer. */
  readonly metricsAreRead: boolean;
  readonly decision: JobDecision | undefined;
  readonly gradientNoiseScale: number | undefined;
  /** How it would best start, by what is believed of it; worked out when asked for, as only a start does. */
  readonly startPlan?: () => StartPlan | undefined;
  /**
   * GPUs of ready nodes of the pool that are free or held by this job; undefined when nodes are left to others. Counted
   * when asked for, as only a start or a resize does: it costs the pool's nodes and the pods on them.
   */
  readonly reachableGpus: () => number | undefined;
}

/** What has to be known of a pool to lay a run out on it. */
export interface PoolShape {
  readonly name: string;
  readonly gpusPerNode: number;
}

/** A pool that does not exist (any more) is taken to have one GPU on each node, the layout that exchanges most. */
export function shapeOf(pool: GpuPool | undefined, name = ''): PoolShape {
  return { name: pool?.metadata.name ?? name, gpusPerNode: pool?.spec.gpusPerNode ?? 1 };
}

/** The configuration that the user asked the run to start with. */
export function initialConfiguration(limits: JobLimits, pool: PoolShape): Configuration {
  return layOutBatch(limits, pool, limits.initialReplicas, {
    globalBatchSize: limits.initialGlobalBatchSize,
    microBatchSize: limits.initialMicroBatchSize,
  });
}

/** Splits a global batch over so many workers, with passes of about the given size. */
export function layOutBatch(
  limits: JobLimits,
  pool: PoolShape,
  replicas: number,
  batch: { readonly globalBatchSize: number; readonly microBatchSize: number },
): Configuration {
  const dataParallelSize = replicas * ranksPerReplica(limits.gpusPerReplica);
  const perRank = batch.globalBatchSize / dataParallelSize;
  const gradientAccumulationSteps = Math.max(1, Math.ceil(perRank / batch.microBatchSize));
  const microBatchSize = Math.max(1, Math.round(perRank / gradientAccumulationSteps));
  const nodes = nodesFor(pool, replicas, limits.gpusPerReplica);
  return { pool: pool.name, replicas, nodes, dataParallelSize, microBatchSize, gradientAccumulationSteps };
}

/** The configuration that a tuning stands for. */
export function configurationOf(
  tuning: Pick<Tuning, 'dataParallelSize' | 'microBatchSize' | 'gradientAccumulationSteps'>,
  limits: Pick<JobLimits, 'gpusPerReplica'>,
  pool: PoolShape,
  replicas: number,
): Configuration {
  const { dataParallelSize, microBatchSize, gradientAccumulationSteps } = tuning;
  const nodes = nodesFor(pool, replicas, limits.gpusPerReplica);
  return { pool: pool.name, replicas, nodes, dataParallelSize, microBatchSize, gradientAccumulationSteps };
}

/** As below, but without a tuning file that can be read it is the workload that tells its size. */
export function configurationAtWork(view: JobView, shape: PoolShape): Configuration {
  const replicas = view.workerJob?.spec.parallelism;
  const damaged = view.tuning === undefined || view.tunedReplicas === undefined;
  if (!damaged || replicas === undefined) return currentConfiguration({ ...view, shape });
  return initialConfiguration({ ...view.limits, initialReplicas: replicas }, shape);
}

/** What the newest tuning asks for; what the user asked for before there is one. */
export function currentConfiguration(view: {
  readonly limits: JobLimits;
  readonly tuning: Tuning | undefined;
  readonly tunedReplicas: number | undefined;
  readonly shape: PoolShape;
}): Configuration {
  const { limits, tuning, tunedReplicas, shape } = view;
  if (tuning === undefined || tunedReplicas === undefined) return initialConfiguration(limits, shape);
  return configurationOf(tuning, limits, shape, tunedReplicas);
}
