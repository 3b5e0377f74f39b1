import { fromDecimal } from '../../api/decimal.ts';
import type { GpuPool } from '../../api/gpu-pool.ts';
import { globalBatchSize } from '../../core/configuration.ts';
import type { Evidence } from '../../core/estimate/evidence.ts';
import type { NoisePoint } from '../../core/estimate/noise-trend.ts';
import { plausibleEvidence } from '../../core/estimate/plausible-evidence.ts';
import { fitStepTime, parameterPosterior } from '../../core/estimate/step-time-fit.ts';
import { PARAMETERS } from '../../core/estimate/step-time-prior.ts';
import { lowerTriangle, type RunRecord, type StepTimeRecord } from '../../core/profile/run-record.ts';
import { isConditionTrue } from '../../kube/conditions.ts';
import { hasEnded } from '../ended.ts';
import { decodeEvidence } from '../fleet/evidence-codec.ts';
import { fromInstant } from '../instants.ts';
import type { TrainingJobObject } from '../kinds.ts';

const NOISE_POINTS = 8;

/**
 * What a run taught, once it has ended; undefined before, and for a run that did nothing. All of it is in its status, so
 * that a restarted operator finds the same.
 */
export function runOfJob(job: TrainingJobObject, pools: readonly GpuPool[]): RunRecord | undefined {
  const { status, metadata, spec } = job;
  if (status === undefined || !hasEnded(status) || metadata.uid === undefined) return undefined;
  const pool = pools.find((each) => each.metadata.name === status.pool);
  const startedAt = fromInstant(status.startTime);
  const endedAt = fromInstant(status.completionTime);
  const evidence = plausibleEvidence(decodeEvidence(status.bookkeeping?.evidence));
  const { batch, cost, prediction } = status;
  if (pool === undefined || startedAt === undefined || endedAt === undefined || batch === undefined) return undefined;
  if (evidence === undefined || evidence.progress.referenceSamples <= 0) return undefined;
  const { validationLoss } = spec.objective.work;
  const initial = spec.batch.globalBatchSize.initial;
  return {
    uid: metadata.uid,
    job: metadata.name,
    endedAt,
    outcome: isConditionTrue(status.conditions, 'Complete') ? 'Complete' : 'Failed',
    gpuType: pool.spec.accelerator.type,
    pool: pool.metadata.name,
    replicas: Math.max(1, Math.round(batch.dataParallelSize / Math.max(1, spec.elasticity.gpusPerReplica))),
    globalBatchSize: batch.globalBatchSize,
    microBatchSize: batch.microBatchSize,
    initialGlobalBatchSize: initial,
    referenceSamples: evidence.progress.referenceSamples,
    seconds: Math.max(0, endedAt - startedAt),
    cost: cost?.accrued === undefined ? 0 : fromDecimal(cost.accrued),
    currency: cost?.currency ?? pool.spec.cost.currency,
    batchBand: bandOf([...evidence.stepTimes.map(batchOf), batch.globalBatchSize]),
    targetLoss: validationLoss === undefined ? undefined : fromDecimal(validationLoss),
    stepTime: stepTimeOf(evidence),
    noise: thinned(evidence.noiseTrail),
    memory: evidence.memory.map(({ microBatchSize, usedBytes }) => ({ microBatchSize, usedBytes })),
    restartSeconds: status.restartSeconds === undefined ? undefined : fromDecimal(status.restartSeconds.value),
    predicted:
      prediction?.cost === undefined || prediction.seconds === undefined
        ? undefined
        : { cost: fromDecimal(prediction.cost.value), seconds: fromDecimal(prediction.seconds.value) },
  };
}

function batchOf(point: Evidence['stepTimes'][number]): number {
  return globalBatchSize({ ...point, pool: '', replicas: 1 });
}

function bandOf(batches: readonly number[]): RunRecord['batchBand'] {
  return { lowest: Math.min(...batches), highest: Math.max(...batches) };
}

/** The posterior by this run's own timings: what its family told it must not be told again as if it were new. */
function stepTimeOf({ stepTimes, scatter }: Evidence): StepTimeRecord | undefined {
  const fit = fitStepTime(stepTimes, scatter);
  if (fit === undefined) return undefined;
  const { logMeans, logCovariance } = parameterPosterior(fit);
  return {
    logMeans,
    logCovariance: lowerTriangle(logCovariance, PARAMETERS),
    largestDataParallelSize: Math.max(...stepTimes.map(({ dataParallelSize }) => dataParallelSize)),
  };
}

/** At most so many points, evenly taken, the last one among them. */
function thinned(trail: readonly NoisePoint[]): RunRecord['noise'] {
  const step = Math.max(1, trail.length / NOISE_POINTS);
  const places = new Set(
    Array.from({ length: Math.min(trail.length, NOISE_POINTS) }, (_, index) =>
      Math.min(trail.length - 1, Math.ceil((index + 1) * step) - 1),
    ),
  );
  return trail
    .filter((_, place) => places.has(place))
    .map(({ referenceSamples, gradientNoiseScale }) => ({ referenceSamples, gradientNoiseScale }));
}
