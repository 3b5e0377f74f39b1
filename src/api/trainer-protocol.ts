import { z } from 'zod';

/** Names that trainers rely on which no one here wrote: none may change within the protocol's version. */
export const TRAINER_PROTOCOL = 'stepwise.dev/trainer/v1';

export const TUNING_DIRECTORY = '/etc/stepwise';
export const TUNING_FILE_NAME = 'tuning.json';
export const TUNING_FILE_PATH = `${TUNING_DIRECTORY}/${TUNING_FILE_NAME}`;
/** Name of the container port that serves the metrics. */
export const METRICS_PORT_NAME = 'stepwise';
export const METRICS_PORT_DEFAULT = 9464;
export const METRICS_PATH = '/metrics';

export const TRAINER_ENVIRONMENT = {
  STEPWISE_TUNING_FILE: 'Path of the tuning file.',
  STEPWISE_METRICS_PORT: 'Port on which the trainer serves its metrics.',
  STEPWISE_CHECKPOINT_DIR: 'Directory in the container where checkpoints are kept.',
} as const;

const positive = () => z.int().min(1);

/** The tuning file. It lies in a ConfigMap, so here numbers may be fractions. Unknown fields are ignored. */
export const tuningSchema = z
  .object({
    protocol: z.literal(TRAINER_PROTOCOL).describe('protocol and its version.'),
    version: z
      .int()
      .min(0)
      .describe('version only grows. A trainer applies the newest it can read and ignores older ones.'),
    globalBatchSize: positive().describe(
      'globalBatchSize is the samples per optimizer step: microBatchSize x gradientAccumulationSteps x dataParallelSize.',
    ),
    microBatchSize: positive().describe('microBatchSize is the samples in one pass of one rank.'),
    gradientAccumulationSteps: positive().describe('gradientAccumulationSteps is the passes of a rank in one step.'),
    dataParallelSize: positive().describe(
      'dataParallelSize is the number of ranks this tuning was made for; a trainer with another number refuses it with the reason world_size.',
    ),
    learningRateScale: z
      .number()
      .positive()
      .describe(
        "learningRateScale is the factor on the learning rate that the user's code set for its own initial batch.",
      ),
    effectiveAt: z
      .enum(['nextStep', 'nextCheckpoint'])
      .describe('effectiveAt says when all ranks switch, at the same optimizer step.'),
    checkpointRequest: z
      .int()
      .min(0)
      .describe('checkpointRequest only grows; the trainer writes a checkpoint for each new one. 0 means none yet.'),
    reason: z.string().describe('reason is a sentence for people.'),
  })
  .refine(
    (tuning) =>
      tuning.microBatchSize * tuning.gradientAccumulationSteps * tuning.dataParallelSize === tuning.globalBatchSize,
    'globalBatchSize must be microBatchSize x gradientAccumulationSteps x dataParallelSize',
  );

export type Tuning = z.output<typeof tuningSchema>;

/** Reads a tuning and throws, naming the field, when it is not one. */
export function parseTuning(value: unknown): Tuning {
  const result = tuningSchema.safeParse(value);
  if (!result.success) throw new Error(`the tuning is not valid:\n${z.prettifyError(result.error)}`);
  return result.data;
}

export const REJECTION_REASONS = {
  out_of_memory: 'The micro batch did not fit; the old one is kept.',
  world_size: 'The tuning was made for another number of ranks.',
  invalid: 'The file does not parse or holds impossible numbers.',
  unsupported: 'The trainer cannot change this while it runs.',
} as const;

export type RejectionReason = keyof typeof REJECTION_REASONS;
