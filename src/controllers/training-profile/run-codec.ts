import { fromDecimal, toDecimal } from '../../api/decimal.ts';
import type { ProfiledRun } from '../../api/training-profile.ts';
import type { RunRecord } from '../../core/profile/run-record.ts';
import { fromInstant, toInstant } from '../instants.ts';
import { present } from '../present.ts';

/** A run as the core reads it. */
export function toRunRecord(run: ProfiledRun): RunRecord {
  const { stepTime, predicted, acceleratorType, noise, memory } = run;
  return {
    uid: run.uid,
    job: run.job,
    endedAt: fromInstant(run.endedAt) ?? 0,
    outcome: run.outcome,
    gpuType: acceleratorType,
    ...present({ pool: run.pool }),
    replicas: run.replicas,
    globalBatchSize: run.globalBatchSize,
    microBatchSize: run.microBatchSize,
    initialGlobalBatchSize: run.initialGlobalBatchSize,
    referenceSamples: run.referenceSamples,
    seconds: fromDecimal(run.seconds),
    cost: fromDecimal(run.cost),
    currency: run.currency,
    batchBand: run.batchBand,
    targetLoss: run.targetLoss === undefined ? undefined : fromDecimal(run.targetLoss),
    stepTime:
      stepTime === undefined
        ? undefined
        : {
            logMeans: stepTime.logMeans.map(fromDecimal),
            logCovariance: stepTime.logCovariance.map(fromDecimal),
            largestDataParallelSize: stepTime.largestDataParallelSize,
          },
    noise: noise.map((point) => ({ ...point, gradientNoiseScale: fromDecimal(point.gradientNoiseScale) })),
    memory,
    restartSeconds: run.restartSeconds === undefined ? undefined : fromDecimal(run.restartSeconds),
    predicted:
      predicted === undefined
        ? undefined
        : { seconds: fromDecimal(predicted.seconds), cost: fromDecimal(predicted.cost) },
  };
}

/** A run as a TrainingProfile stores it. */
export function fromRunRecord(run: RunRecord): ProfiledRun {
  const { stepTime, predicted } = run;
  return {
    uid: run.uid,
    job: run.job,
    endedAt: toInstant(run.endedAt),
    outcome: run.outcome,
    acceleratorType: run.gpuType,
    replicas: run.replicas,
    globalBatchSize: run.globalBatchSize,
    microBatchSize: run.microBatchSize,
    initialGlobalBatchSize: run.initialGlobalBatchSize,
    referenceSamples: Math.round(run.referenceSamples),
    seconds: toDecimal(run.seconds),
    cost: toDecimal(run.cost),
    currency: run.currency,
    batchBand: { ...run.batchBand },
    noise: run.noise.map(({ referenceSamples, gradientNoiseScale }) => ({
      referenceSamples: Math.round(referenceSamples),
      gradientNoiseScale: toDecimal(gradientNoiseScale),
    })),
    memory: run.memory.map(({ microBatchSize, usedBytes }) => ({ microBatchSize, usedBytes: Math.round(usedBytes) })),
    ...present({
      pool: run.pool,
      targetLoss: run.targetLoss === undefined ? undefined : toDecimal(run.targetLoss),
      stepTime:
        stepTime === undefined
          ? undefined
          : {
              logMeans: stepTime.logMeans.map(toDecimal),
              logCovariance: stepTime.logCovariance.map(toDecimal),
              largestDataParallelSize: stepTime.largestDataParallelSize,
            },
      restartSeconds: run.restartSeconds === undefined ? undefined : toDecimal(run.restartSeconds),
      predicted:
        predicted === undefined
          ? undefined
          : { seconds: toDecimal(predicted.seconds), cost: toDecimal(predicted.cost) },
    }),
  };
}
