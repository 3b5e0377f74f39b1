import { fromDecimal } from '../../api/decimal.ts';
import type { GpuPool } from '../../api/gpu-pool.ts';
import type { TrainingJob } from '../../api/training-job.ts';
import type { TrainingProfile } from '../../api/training-profile.ts';
import type { DeclaredModel } from '../../core/estimate/declared-model.ts';
import type { JobPrior } from '../../core/estimate/job-prior.ts';
import { priorOf } from '../../core/profile/family.ts';
import type { RunRecord } from '../../core/profile/run-record.ts';
import type { JobLimits } from '../../core/snapshot.ts';
import { toRunRecord } from './run-codec.ts';

const BYTES_PER_MIB = 2 ** 20;

/** What is believed of a job on each of its pools; nothing for a job that neither has a family nor declares a model. */
export function priorsFor(
  job: TrainingJob,
  limits: JobLimits,
  pools: readonly GpuPool[],
  profile: TrainingProfile | undefined,
): readonly JobPrior[] {
  const { prediction, objective } = job.spec;
  const model = declaredModelOf(job);
  const runs = profile === undefined ? [] : runsOf(profile);
  if (prediction === undefined || (runs.length === 0 && model === undefined)) return [];
  const { validationLoss } = objective.work;
  return limits.pools.flatMap((name) => {
    const pool = pools.find(({ metadata }) => metadata.name === name);
    if (pool === undefined) return [];
    const { type, memoryMiB } = pool.spec.accelerator;
    const prior = priorOf(runs, {
      pool: name,
      gpuType: type,
      memoryBytes: memoryMiB === undefined ? undefined : memoryMiB * BYTES_PER_MIB,
      initialGlobalBatchSize: limits.initialGlobalBatchSize,
      initialMicroBatchSize: limits.initialMicroBatchSize,
      targetLoss: validationLoss === undefined ? undefined : fromDecimal(validationLoss),
      model,
    });
    return prior === undefined ? [] : [prior];
  });
}

/** The runs of a profile, decoded once for each version of it. */
export function runsOf(profile: TrainingProfile): readonly RunRecord[] {
  const known = decoded.get(profile);
  if (known !== undefined) return known;
  const runs = profile.spec.runs.map(toRunRecord);
  decoded.set(profile, runs);
  return runs;
}

const decoded = new WeakMap<TrainingProfile, readonly RunRecord[]>();

export function declaredModelOf({ spec }: TrainingJob): DeclaredModel | undefined {
  const model = spec.prediction?.model;
  if (model === undefined) return undefined;
  return {
    parameters: model.parameters,
    flopsPerSample: model.flopsPerSample,
    activationBytesPerSample: model.activationBytesPerSample,
    sequenceLength: model.sequenceLength,
    layers: model.layers,
    hiddenSize: model.hiddenSize,
    attentionHeads: model.attentionHeads,
    vocabularySize: model.vocabularySize,
    precision: model.precision,
    optimizer: model.optimizer,
    sharding: model.sharding,
    recomputation: model.recomputation,
    dropout: model.dropout,
  };
}
