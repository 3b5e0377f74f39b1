import { z } from 'zod';
import { type CelRule, immutable, integer, withRules } from './fields.ts';

/** Samples in one optimizer step, 2^24: beyond every batch that was ever reported to train. */
export const GLOBAL_BATCH_SIZE_MAX = 16_777_216;
const GLOBAL = 'spec.batch.globalBatchSize';
const MICRO = 'spec.batch.microBatchSize';

const globalBatchSizeSchema = withRules(
  z.object({
    initial: withRules(integer(1, GLOBAL_BATCH_SIZE_MAX), [
      immutable(
        `${GLOBAL}.initial`,
        'progress is counted at it, so set min and max instead, or create another TrainingJob',
      ),
    ]).describe(
      'initial is the number of samples in one optimizer step that the training code was tuned for; the run starts with it and reference samples are counted at it.',
    ),
    min: integer(1, GLOBAL_BATCH_SIZE_MAX)
      .optional()
      .describe('min is the smallest global batch that may be chosen; unset means initial.'),
    max: integer(1, GLOBAL_BATCH_SIZE_MAX)
      .optional()
      .describe(
        'max is the largest global batch that may be chosen; unset means initial times maxBatchGrowthFactor of the ScalingPolicy.',
      ),
    multipleOf: integer(1, 65_536).default(1).describe('multipleOf divides every global batch that may be chosen.'),
  }),
  [
    {
      fieldPath: '.min',
      rule: '!has(self.min) || self.min <= self.initial',
      message: `${GLOBAL}.min is above ${GLOBAL}.initial: lower min or raise initial`,
    },
    {
      fieldPath: '.max',
      rule: '!has(self.max) || self.initial <= self.max',
      message: `${GLOBAL}.max is below ${GLOBAL}.initial: raise max or lower initial`,
    },
    {
      fieldPath: '.initial',
      rule: 'self.initial % self.multipleOf == 0',
      message: `${GLOBAL}.initial must be a multiple of ${GLOBAL}.multipleOf: change one of the two`,
    },
  ],
);

const microBatchSizeSchema = withRules(
  z.object({
    initial: integer(1, GLOBAL_BATCH_SIZE_MAX)
      .optional()
      .describe(
        'initial is the number of samples in one forward and backward pass of one rank that the run starts with; unset means the share of a rank in the initial global batch, but at most max.',
      ),
    min: integer(1, GLOBAL_BATCH_SIZE_MAX).default(1).describe('min is the smallest micro batch that may be chosen.'),
    max: integer(1, GLOBAL_BATCH_SIZE_MAX)
      .optional()
      .describe('max is the largest micro batch that may be chosen; unset leaves memory as the only bound.'),
  }),
  [
    {
      fieldPath: '.min',
      rule: '!has(self.max) || self.min <= self.max',
      message: `${MICRO}.min is above ${MICRO}.max: lower min or raise max`,
    },
    {
      fieldPath: '.initial',
      rule: '!has(self.initial) || (self.min <= self.initial && (!has(self.max) || self.initial <= self.max))',
      message: `${MICRO}.initial is outside ${MICRO}.min and max: set it between the two or widen them`,
    },
  ],
);

const learningRateSchema = z.object({
  rule: z
    .enum(['None', 'Linear', 'Sqrt', 'AdaScale'])
    .optional()
    .describe(
      'rule says how the learning rate follows the global batch: None keeps it, Linear multiplies it by the growth (plain SGD), Sqrt by its square root (Adam and kin), AdaScale by the gain computed from the gradient noise scale (SGD). Required with batch mode Auto.',
    ),
});

const guardSchema = z.object({
  maxRegressionPercent: integer(1, 100)
    .default(5)
    .describe(
      'maxRegressionPercent is how far the loss may rise after a change of batch before the last good batch is restored.',
    ),
  windowSteps: integer(10, 1_000_000)
    .default(200)
    .describe(
      'windowSteps is the number of optimizer steps over which the loss before and after a change is compared.',
    ),
});

const reloadSchema = z.object({
  ackTimeoutSeconds: integer(5, 3600)
    .default(60)
    .describe('ackTimeoutSeconds is how long the trainer may take to report that it applied a new tuning.'),
});

export const batchSchema = withRules(
  z.object({
    mode: z
      .enum(['Off', 'Recommend', 'Auto'])
      .default('Auto')
      .describe(
        'mode of batch tuning: Off leaves the batch alone, Recommend only says what would be cheaper, Auto follows spec.mode.',
      ),
    globalBatchSize: globalBatchSizeSchema.describe('globalBatchSize bounds the samples per optimizer step.'),
    microBatchSize: microBatchSizeSchema
      .prefault({})
      .describe('microBatchSize bounds the samples per forward and backward pass of one rank.'),
    memoryHeadroomPercent: integer(0, 90)
      .default(10)
      .describe('memoryHeadroomPercent of the memory of a GPU stays free when a micro batch is chosen.'),
    learningRate: learningRateSchema
      .prefault({})
      .describe('learningRate says how the learning rate is scaled with the global batch.'),
    guard: guardSchema.prefault({}).describe('guard takes a batch back that harms convergence.'),
    reload: reloadSchema.prefault({}).describe('reload says how a new tuning is handed to the trainer.'),
  }),
  [
    {
      fieldPath: '.learningRate.rule',
      rule: "self.mode != 'Auto' || has(self.learningRate.rule)",
      message:
        'spec.batch.learningRate.rule is required with spec.batch.mode Auto: set None, Linear, Sqrt or AdaScale, or set the mode to Recommend or Off',
    },
    {
      fieldPath: '.microBatchSize.initial',
      rule: '!has(self.microBatchSize.initial) || self.microBatchSize.initial <= self.globalBatchSize.initial',
      message: `${MICRO}.initial is above ${GLOBAL}.initial: a rank cannot process more samples in a pass than a step has, lower it`,
    },
    {
      fieldPath: '.microBatchSize.initial',
      rule: '!has(self.microBatchSize.initial) || self.microBatchSize.initial > self.globalBatchSize.initial || self.globalBatchSize.initial % self.microBatchSize.initial == 0',
      message: `${MICRO}.initial must divide ${GLOBAL}.initial, because a step is made of whole passes: change one of the two`,
    },
  ],
);

/** Stands at the spec, which sees batch and workers together. */
export const batchFitsWorkersRule: CelRule = {
  fieldPath: '.batch.globalBatchSize.initial',
  rule: 'self.batch.globalBatchSize.initial >= self.replicas * (self.elasticity.gpusPerReplica > 1 ? self.elasticity.gpusPerReplica : 1)',
  message: `${GLOBAL}.initial is smaller than the number of ranks, spec.replicas x spec.elasticity.gpusPerReplica: every rank needs a sample, raise it or start with fewer workers`,
};
