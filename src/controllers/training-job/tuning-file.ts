import { TRAINING_JOB_LABEL, TUNING_VERSION_ANNOTATION } from '../../api/annotations.ts';
import { parseTuning, TRAINER_PROTOCOL, TUNING_FILE_NAME, type Tuning } from '../../api/trainer-protocol.ts';
import { type Configuration, globalBatchSize } from '../../core/configuration.ts';
import { learningRateScale } from '../../core/model/learning-rate.ts';
import type { LearningRateRule } from '../../core/snapshot.ts';
import type { ConfigMap, TrainingJobObject } from '../kinds.ts';
import { ownerOf, tuningName, WORLD_SIZE_KEY } from './indexed-job.ts';

/** The tuning that a ConfigMap holds; undefined when it is missing or was damaged by someone. */
export function readTuning(configMap: ConfigMap | undefined): Tuning | undefined {
  const text = configMap?.data?.[TUNING_FILE_NAME];
  if (text === undefined) return undefined;
  try {
    return parseTuning(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The number of workers that the tuning was written for; undefined when it is missing or no such number. */
export function readWorldSize(configMap: ConfigMap | undefined): number | undefined {
  const workers = Number(configMap?.data?.[WORLD_SIZE_KEY] ?? Number.NaN);
  return Number.isInteger(workers) && workers > 0 ? workers : undefined;
}

export function buildTuning(options: {
  readonly configuration: Configuration;
  readonly version: number;
  readonly checkpointRequest: number;
  readonly learningRateRule: LearningRateRule;
  readonly initialGlobalBatchSize: number;
  readonly gradientNoiseScale: number | undefined;
  readonly reason: string;
}): Tuning {
  const { configuration } = options;
  const batch = globalBatchSize(configuration);
  return {
    protocol: TRAINER_PROTOCOL,
    version: options.version,
    globalBatchSize: batch,
    microBatchSize: configuration.microBatchSize,
    gradientAccumulationSteps: configuration.gradientAccumulationSteps,
    dataParallelSize: configuration.dataParallelSize,
    learningRateScale: learningRateScale({
      rule: options.learningRateRule,
      globalBatchSize: batch,
      initialGlobalBatchSize: options.initialGlobalBatchSize,
      gradientNoiseScale: options.gradientNoiseScale,
    }),
    effectiveAt: 'nextStep',
    checkpointRequest: options.checkpointRequest,
    reason: options.reason.slice(0, 500),
  };
}

export function buildTuningConfigMap(job: TrainingJobObject, tuning: Tuning, replicas: number): ConfigMap {
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: {
      name: tuningName(job),
      namespace: job.metadata.namespace,
      labels: { [TRAINING_JOB_LABEL]: job.metadata.name },
      annotations: { [TUNING_VERSION_ANNOTATION]: String(tuning.version) },
      ownerReferences: [ownerOf(job)],
    },
    data: { [TUNING_FILE_NAME]: JSON.stringify(tuning, undefined, 2), [WORLD_SIZE_KEY]: String(replicas) },
  };
}
