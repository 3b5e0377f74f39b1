import type { GpuPool } from '../../api/gpu-pool.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import type { JobPrior } from '../../core/estimate/job-prior.ts';
import { noiseScaleValue } from '../../core/estimate/noise-scale.ts';
import { keyOf } from '../../kube/resource.ts';
import { type ClusterView, podsOfJob, reachableGpus } from '../cluster-view.ts';
import { decodeEvidence } from '../fleet/evidence-codec.ts';
import type { FleetMemory, JobFindings } from '../fleet/fleet-memory.ts';
import { policyFor, resolveLimits } from '../fleet/limits.ts';
import type { Freshest } from '../freshest.ts';
import { fromInstant } from '../instants.ts';
import type { ConfigMap, TrainingJobObject, WorkerJob } from '../kinds.ts';
import { isLive, isReady, isScheduled } from '../pods.ts';
import { priorsFor } from '../training-profile/priors-for.ts';
import { limitsWithin } from './budget.ts';
import { isOwnedBy, jobName, tuningName } from './indexed-job.ts';
import { startPlanFor } from './start-plan.ts';
import { readTuning, readWorldSize } from './tuning-file.ts';
import type { JobView } from './view.ts';

export interface Gatherers {
  readonly cluster: ClusterView;
  readonly memory: FleetMemory;
  readonly workerJobs: Freshest<WorkerJob>;
  readonly configMaps: Freshest<ConfigMap>;
  /** Whether the workload of a job was refused a moment ago. */
  readonly creationPaused?: (key: string) => boolean;
  readonly lookingSince?: InstantSeconds | undefined;
}

/** Collects everything a reconcile of one job looks at. No I/O: all of it is in caches. */
export function gatherJobView(gatherers: Gatherers, job: TrainingJobObject, now: number): JobView {
  const { cluster, memory } = gatherers;
  const key = keyOf(job);
  const { namespace = '' } = job.metadata;
  const resolved = resolveLimits(job, policyFor(namespace, cluster.policies.list()));
  const limits = limitsWithin(resolved, { job, status: job.status ?? {} });
  const pools = cluster.pools.list();
  const pool = poolOf(job, pools);
  const found = gatherers.workerJobs.of(key, cluster.workerJobs.get(`${namespace}/${jobName(job)}`));
  const owned = found !== undefined && isOwnedBy(found, job);
  const configMapKey = `${namespace}/${tuningName(job)}`;
  const anyConfigMap = gatherers.configMaps.of(configMapKey, cluster.configMaps.get(configMapKey));
  // That of a job of the same name which was just deleted says nothing of this one.
  const configMap = anyConfigMap !== undefined && isOwnedBy(anyConfigMap, job) ? anyConfigMap : undefined;
  const livePods = podsOfJob(cluster, key).filter(isLive);
  const findings = memory.get(key, job.metadata.uid);
  const view: JobView = {
    now,
    lookingSince: gatherers.lookingSince,
    job,
    status: job.status ?? {},
    limits,
    pools,
    pool,
    workerJob: owned ? found : undefined,
    nameTaken: found !== undefined && !owned,
    creationPaused: gatherers.creationPaused?.(key) ?? false,
    livePods,
    readyPods: livePods.filter(isReady).length,
    unscheduledPods: livePods.filter((pod) => !isScheduled(pod)).length,
    tuning: readTuning(configMap),
    tunedReplicas: readWorldSize(configMap),
    tuningResourceVersion: configMap?.metadata.resourceVersion,
    reading: (findings?.evidence ?? decodeEvidence(job.status?.bookkeeping?.evidence)).last,
    metricsProblem: memory.metricsProblem,
    metricsAreRead: findings !== undefined && memory.metricsProblem === undefined,
    decision: freshDecision(job, findings),
    gradientNoiseScale: findings === undefined ? undefined : noiseScaleValue(findings.evidence.noise),
    reachableGpus: () =>
      pool === undefined || pool.spec.provider.type === 'None' || limits.gpusPerReplica === 0
        ? undefined
        : reachableGpus(cluster, pool, key),
  };
  return { ...view, startPlan: () => startPlanFor(cluster, view, believedOf(cluster, view)) };
}

/** What the job's family and its declared model tell of it, pool by pool. */
export function believedOf(cluster: ClusterView, { job, limits, pools }: JobView): readonly JobPrior[] {
  const { family } = job.spec.prediction ?? {};
  const profile = family === undefined ? undefined : cluster.profiles.get(`${job.metadata.namespace}/${family}`);
  return priorsFor(job, limits, pools, profile);
}

/** A decision made before the last change was made for a job that is no more. */
function freshDecision(job: TrainingJobObject, findings: JobFindings | undefined): JobFindings['decision'] {
  const kept = job.status?.bookkeeping;
  const changedAt = Math.max(fromInstant(kept?.lastRescaleTime) ?? 0, fromInstant(kept?.lastBatchChangeTime) ?? 0);
  if (findings?.decidedAt === undefined || findings.decidedAt <= changedAt + 1) return undefined;
  return findings.decision;
}

export function poolOf<P extends GpuPool>(job: TrainingJobObject, pools: readonly P[]): P | undefined {
  const name = job.status?.pool ?? job.spec.capacity.pools[0]?.name;
  return pools.find((pool) => pool.metadata.name === name);
}
