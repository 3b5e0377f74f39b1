import { TRAINER_METRICS } from '../../api/trainer-metrics.ts';

/**
 * The queries of one reading. Their number is fixed: each covers all jobs and groups by the labels that the scrape
 * adds. `phase=~"total|"` takes the step time as a whole and every series that has no phase.
 */
const BY_JOB = 'by (namespace, training_job)';
const BY_NAME = 'by (namespace, training_job, __name__)';

const SUMMED = [
  TRAINER_METRICS.samples.name,
  `${TRAINER_METRICS.stepDuration.name}_sum`,
  `${TRAINER_METRICS.stepDuration.name}_count`,
  TRAINER_METRICS.gradientSmallBatchSquareNorm.name,
  TRAINER_METRICS.gradientLargeBatchSquareNorm.name,
  TRAINER_METRICS.gradientObservations.name,
];
const LOWEST = [
  TRAINER_METRICS.steps.name,
  TRAINER_METRICS.configVersion.name,
  TRAINER_METRICS.configAppliedStep.name,
  TRAINER_METRICS.memoryLimit.name,
  TRAINER_METRICS.targetSteps.name,
  TRAINER_METRICS.completedRatio.name,
];
const HIGHEST = [
  TRAINER_METRICS.memoryUsed.name,
  TRAINER_METRICS.configRejectedVersion.name,
  TRAINER_METRICS.checkpointStep.name,
  TRAINER_METRICS.checkpointRequest.name,
];
const AVERAGED = [TRAINER_METRICS.loss.name, TRAINER_METRICS.validationLoss.name];

const named = (names: readonly string[]) => `{__name__=~"${names.join('|')}", training_job!="", phase=~"total|"}`;
const jobsOf = (name: string) => `${name}{training_job!=""}`;

export const QUERIES = {
  sums: `sum ${BY_NAME} (${named(SUMMED)})`,
  lowest: `min ${BY_NAME} (${named(LOWEST)})`,
  highest: `max ${BY_NAME} (${named(HIGHEST)})`,
  averages: `avg ${BY_NAME} (${named(AVERAGED)})`,
  /** The parts of the step time, for trainers that tell them apart. */
  phases: `sum by (namespace, training_job, phase) (${TRAINER_METRICS.stepDuration.name}_sum{training_job!="", phase=~"compute|synchronization"})`,
  gradientBatchSizes: `max by (namespace, training_job, part) (${jobsOf(TRAINER_METRICS.gradientBatchSize.name)})`,
  rejections: `max by (namespace, training_job, reason) (${jobsOf(TRAINER_METRICS.configRejections.name)})`,
  /** 0 when all ranks run the same version; during a change the pages of some are older than those of others. */
  versionSpread: `max ${BY_JOB} (${jobsOf(TRAINER_METRICS.configVersion.name)}) - min ${BY_JOB} (${jobsOf(TRAINER_METRICS.configVersion.name)})`,
  ranks: `count ${BY_JOB} (${jobsOf(TRAINER_METRICS.steps.name)})`,
  scrapedAt: `min ${BY_JOB} (timestamp(${jobsOf(TRAINER_METRICS.steps.name)}))`,
} as const;

export type QueryName = keyof typeof QUERIES;
