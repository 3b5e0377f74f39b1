import { z } from 'zod';
import { type CelRule, immutable, integer, setOf, withRules } from './fields.ts';

export const WORKERS_MAX = 1024;
const SIZES = 'spec.elasticity.sizes';

const sizesRules: readonly CelRule[] = [
  {
    fieldPath: '.multipleOf',
    rule: "self.type == 'MultipleOf' ? has(self.multipleOf) : !has(self.multipleOf)",
    message: `${SIZES}.multipleOf belongs to type MultipleOf: set it with that type and remove it with any other`,
  },
  {
    fieldPath: '.values',
    rule: "self.type == 'List' ? has(self.values) && size(self.values) > 0 : !has(self.values)",
    message: `${SIZES}.values belongs to type List: set at least one value with that type and remove the field with any other`,
  },
];

const sizesSchema = withRules(
  z.object({
    type: z
      .enum(['Any', 'PowersOfTwo', 'MultipleOf', 'List'])
      .default('Any')
      .describe('type says which numbers of workers the run can use.'),
    multipleOf: integer(1, WORKERS_MAX)
      .optional()
      .describe('multipleOf divides every allowed number of workers; with type MultipleOf only.'),
    values: setOf(integer(1, WORKERS_MAX), 64)
      .optional()
      .describe('values are the allowed numbers of workers; with type List only.'),
  }),
  sizesRules,
);

export const elasticitySchema = withRules(
  z.object({
    minReplicas: integer(1, WORKERS_MAX).default(1).describe('minReplicas is the fewest workers the run may have.'),
    maxReplicas: integer(1, WORKERS_MAX)
      .optional()
      .describe('maxReplicas is the most workers the run may have; unset means spec.replicas.'),
    gpusPerReplica: withRules(integer(0, 16), [
      immutable(
        'spec.elasticity.gpusPerReplica',
        'what was learned holds for workers of this size, so create another TrainingJob',
      ),
    ])
      .default(1)
      .describe('gpusPerReplica is the number of GPUs given to each worker; 0 trains on CPUs.'),
    sizes: sizesSchema
      .prefault({ type: 'Any' })
      .describe('sizes that the run can use between minReplicas and maxReplicas.'),
    rescale: z
      .enum(['CheckpointRestart', 'None'])
      .default('CheckpointRestart')
      .describe(
        'rescale is how the number of workers is changed: CheckpointRestart asks for a checkpoint, stops the workers and starts the new number; None never changes it.',
      ),
    cooldownSeconds: integer(0, 86_400)
      .optional()
      .describe('cooldownSeconds is the pause after a change of workers; unset means that of the ScalingPolicy.'),
    maxRescalesPerHour: integer(1, 60)
      .optional()
      .describe('maxRescalesPerHour bounds the changes of workers in any hour; unset means that of the ScalingPolicy.'),
  }),
  [
    {
      fieldPath: '.minReplicas',
      rule: '!has(self.maxReplicas) || self.minReplicas <= self.maxReplicas',
      message:
        'spec.elasticity.minReplicas is above spec.elasticity.maxReplicas: lower minReplicas or raise maxReplicas',
    },
  ],
);

/** Rules that tie `spec.replicas` to the elasticity; they stand at the spec, which sees both. */
export const replicasRules: readonly CelRule[] = [
  {
    fieldPath: '.replicas',
    rule: 'self.replicas >= self.elasticity.minReplicas && (!has(self.elasticity.maxReplicas) || self.replicas <= self.elasticity.maxReplicas)',
    message:
      'spec.replicas is outside spec.elasticity: set it between minReplicas and maxReplicas, or widen these bounds',
  },
  {
    fieldPath: '.replicas',
    rule: "self.elasticity.sizes.type != 'PowersOfTwo' || self.replicas in [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024]",
    message: `spec.replicas must be a power of two because ${SIZES}.type is PowersOfTwo: use 1, 2, 4, 8 and so on, or another type`,
  },
  {
    fieldPath: '.replicas',
    rule: "self.elasticity.sizes.type != 'MultipleOf' || !has(self.elasticity.sizes.multipleOf) || self.replicas % self.elasticity.sizes.multipleOf == 0",
    message: `spec.replicas must be a multiple of ${SIZES}.multipleOf: change one of the two`,
  },
  {
    fieldPath: '.replicas',
    rule: "self.elasticity.sizes.type != 'List' || !has(self.elasticity.sizes.values) || self.replicas in self.elasticity.sizes.values",
    message: `spec.replicas must be one of ${SIZES}.values: add it to the values or choose one of them`,
  },
];
