import type { Tuning } from '../../src/api/trainer-protocol.ts';
import type { TrainingJobStatus } from '../../src/api/training-job.ts';
import { resolveLimits } from '../../src/controllers/fleet/limits.ts';
import type { Pod, WorkerJob } from '../../src/controllers/kinds.ts';
import { buildWorkerJob } from '../../src/controllers/training-job/indexed-job.ts';
import type { JobView } from '../../src/controllers/training-job/view.ts';
import type { TrainerReading } from '../../src/core/estimate/reading.ts';
import type { JobDecision } from '../../src/core/plan-fleet.ts';
import { aReading } from './a-reading.ts';
import { aGpuPool, aPolicy, aTrainingJob, type TrainingJobParts } from './a-training-job.ts';

/** The instant at which the built views are taken: 2026-01-01T00:00:00Z. */
export const NOW = Date.UTC(2026, 0, 1) / 1000;

/** An instant so many seconds before (or, negative, after) the view is taken, as the status writes it. */
export function ago(seconds: number): string {
  return new Date((NOW - seconds) * 1000).toISOString().replace('.000Z', 'Z');
}

export function aTuning(parts: Partial<Tuning> = {}): Tuning {
  const sizes = { microBatchSize: 128, gradientAccumulationSteps: 1, dataParallelSize: 2, ...parts };
  return {
    protocol: 'stepwise.dev/trainer/v1',
    version: 3,
    globalBatchSize: sizes.microBatchSize * sizes.gradientAccumulationSteps * sizes.dataParallelSize,
    learningRateScale: 1,
    effectiveAt: 'nextStep',
    checkpointRequest: 0,
    reason: 'for a test',
    ...sizes,
  };
}

export function aDecision(parts: Partial<JobDecision> & Pick<JobDecision, 'action' | 'target'>): JobDecision {
  return {
    key: 'team/bert',
    reason: parts.action === 'Resize' ? 'CheaperSize' : 'CheaperBatch',
    message: 'a sentence with figures',
    learningRateScale: 1,
    estimate: undefined,
    plan: undefined,
    deadlineAtRisk: false,
    until: undefined,
    ...parts,
  };
}

export interface ViewParts {
  readonly job?: TrainingJobParts;
  readonly status?: TrainingJobStatus;
  readonly tuning?: Tuning | undefined;
  readonly reading?: Partial<TrainerReading> | undefined;
  readonly workers?: number;
  readonly ready?: number;
  readonly suspended?: boolean;
  readonly workerJobStatus?: WorkerJob['status'];
  readonly view?: Partial<Omit<JobView, 'reachableGpus'>> & { readonly reachableGpus?: number | undefined };
}

/** A job of two workers that trains with version 3, as it was told, and was read a moment ago. */
export function aJobView(parts: ViewParts = {}): JobView {
  const status = parts.status ?? {};
  const job = aTrainingJob({ ...parts.job, status });
  const pool = aGpuPool();
  const workers = parts.workers ?? 2;
  const tuning = 'tuning' in parts ? parts.tuning : aTuning();
  const livePods = Array.from({ length: workers }, (_, index) => aPod(`bert-${index}`));
  const size = tuning?.dataParallelSize ?? 2;
  const workload = buildWorkerJob(job, pool, size);
  const { reachableGpus } = { reachableGpus: 8, ...parts.view };
  return {
    now: NOW,
    job,
    status,
    limits: resolveLimits(job, aPolicy().spec),
    pools: [pool],
    pool,
    workerJob: {
      ...workload,
      spec: { ...workload.spec, suspend: parts.suspended ?? false },
      status: parts.workerJobStatus ?? {},
    },
    nameTaken: false,
    creationPaused: false,
    livePods,
    readyPods: parts.ready ?? workers,
    unscheduledPods: 0,
    tuning,
    tunedReplicas: tuning?.dataParallelSize,
    tuningResourceVersion: tuning === undefined ? undefined : '7',
    reading: readingOf(parts, workers),
    metricsProblem: undefined,
    metricsAreRead: true,
    decision: undefined,
    gradientNoiseScale: undefined,
    ...parts.view,
    reachableGpus: () => reachableGpus,
  };
}

function readingOf(parts: ViewParts, workers: number): TrainerReading | undefined {
  if ('reading' in parts && parts.reading === undefined) return undefined;
  return aReading({ observedAt: NOW - 1, ranks: workers, steps: 5000, configVersion: 3, ...parts.reading });
}

function aPod(name: string): Pod {
  return {
    metadata: { name, namespace: 'team' },
    spec: { containers: [], nodeName: 'n' },
    status: { phase: 'Running' },
  };
}
