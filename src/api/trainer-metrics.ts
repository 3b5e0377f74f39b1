import { REJECTION_REASONS } from './trainer-protocol.ts';

export interface TrainerMetric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels?: Readonly<Record<string, readonly string[]>>;
  readonly meaning: string;
}

const PREFIX = 'stepwise_trainer_';

/** Every metric of the trainer protocol, by the name our code calls it. Each rank serves its own page. */
export const TRAINER_METRICS = {
  steps: {
    name: `${PREFIX}steps_total`,
    type: 'counter',
    meaning: 'Optimizer steps done, the same on all ranks.',
  },
  samples: {
    name: `${PREFIX}samples_total`,
    type: 'counter',
    meaning: "Samples processed by this rank; the job's are the sum.",
  },
  stepDuration: {
    name: `${PREFIX}step_duration_seconds`,
    type: 'histogram',
    labels: { phase: ['total', 'compute', 'synchronization', 'data'] },
    meaning: 'Time of an optimizer step: the total and, where known, its parts.',
  },
  gradientSmallBatchSquareNorm: {
    name: `${PREFIX}gradient_small_batch_square_norm_total`,
    type: 'counter',
    meaning:
      "Sum over observations of the mean |g_i|^2 of the small batches' gradients (a micro-batch or a rank's part).",
  },
  gradientLargeBatchSquareNorm: {
    name: `${PREFIX}gradient_large_batch_square_norm_total`,
    type: 'counter',
    meaning: 'Sum over the same observations of |g|^2 of their mean, the large batch.',
  },
  gradientObservations: {
    name: `${PREFIX}gradient_observations_total`,
    type: 'counter',
    meaning: 'Observations in both sums; one every 10 to 50 steps is enough.',
  },
  gradientBatchSize: {
    name: `${PREFIX}gradient_batch_size`,
    type: 'gauge',
    labels: { part: ['small', 'large'] },
    meaning: 'Samples in the small and in the large batch.',
  },
  loss: { name: `${PREFIX}loss`, type: 'gauge', meaning: 'Smoothed training loss.' },
  validationLoss: {
    name: `${PREFIX}validation_loss`,
    type: 'gauge',
    meaning: 'Last validation loss, if the trainer validates.',
  },
  memoryUsed: {
    name: `${PREFIX}memory_used_bytes`,
    type: 'gauge',
    meaning: 'Peak device memory of this rank since the last change of micro batch.',
  },
  memoryLimit: {
    name: `${PREFIX}memory_limit_bytes`,
    type: 'gauge',
    meaning: 'Device memory that this rank may use, where DCGM does not tell.',
  },
  configVersion: { name: `${PREFIX}config_version`, type: 'gauge', meaning: 'Version of the tuning in force.' },
  configAppliedStep: {
    name: `${PREFIX}config_applied_step`,
    type: 'gauge',
    meaning: 'Optimizer step at which it took effect.',
  },
  configRejectedVersion: {
    name: `${PREFIX}config_rejected_version`,
    type: 'gauge',
    meaning: 'Newest version that was rejected.',
  },
  configRejections: {
    name: `${PREFIX}config_rejections_total`,
    type: 'counter',
    labels: { reason: Object.keys(REJECTION_REASONS) },
    meaning: 'Tunings rejected, by reason.',
  },
  checkpointStep: {
    name: `${PREFIX}checkpoint_step`,
    type: 'gauge',
    meaning: 'Optimizer step of the newest complete checkpoint.',
  },
  checkpointRequest: {
    name: `${PREFIX}checkpoint_request`,
    type: 'gauge',
    meaning: 'Newest checkpointRequest served.',
  },
  checkpointDuration: {
    name: `${PREFIX}checkpoint_duration_seconds`,
    type: 'histogram',
    meaning: 'Time to write a checkpoint.',
  },
  targetSteps: {
    name: `${PREFIX}target_steps`,
    type: 'gauge',
    meaning: 'Optional: steps after which the trainer itself will end.',
  },
  completedRatio: {
    name: `${PREFIX}completed_ratio`,
    type: 'gauge',
    meaning: 'Optional: share of its work that the trainer has done, 0 to 1.',
  },
} as const satisfies Readonly<Record<string, TrainerMetric>>;
