import { z } from 'zod';
import { immutable, integer, withRules } from './fields.ts';
import { API_VERSION, TRAINING_JOB } from './group.ts';
import { objectMetadataSchema, trainingJobNameRule } from './metadata.ts';
import { METRICS_PORT_DEFAULT } from './trainer-protocol.ts';
import { batchFitsWorkersRule, batchSchema } from './training-job-batch.ts';
import { ecoSchema } from './training-job-eco.ts';
import { elasticitySchema, replicasRules, WORKERS_MAX } from './training-job-elasticity.ts';
import { budgetSchema, capacitySchema, objectiveSchema } from './training-job-objective.ts';
import { predictionSchema } from './training-job-prediction.ts';
import { trainingJobStatusSchema } from './training-job-status.ts';
import { workloadSchema } from './training-job-workload.ts';

export const MODES = ['Observe', 'Recommend', 'Auto'] as const;

const checkpointSchema = z.object({
  directory: withRules(
    z
      .string()
      .min(1)
      .max(512)
      .regex(/^\/[^\s:]*$/),
    [
      immutable(
        'spec.checkpoint.directory',
        'the checkpoints lie there, so create another TrainingJob for another directory',
      ),
    ],
  )
    .default('/checkpoints')
    .describe(
      'directory in the container where checkpoints are kept, handed over as STEPWISE_CHECKPOINT_DIR; mount a volume there that outlives the pods.',
    ),
  timeoutSeconds: integer(10, 7200)
    .default(120)
    .describe('timeoutSeconds is how long the trainer may take to write a checkpoint that it was asked for.'),
});

const metricsSchema = z.object({
  stalenessLimitSeconds: integer(10, 3600)
    .default(60)
    .describe(
      'stalenessLimitSeconds is the age above which a sample counts as unknown; the lower of this and that of the ScalingPolicy holds.',
    ),
  port: withRules(integer(1, 65_535), [
    immutable('spec.metrics.port', 'running workers serve on it, so create another TrainingJob for another port'),
  ])
    .default(METRICS_PORT_DEFAULT)
    .describe('port of the container on which the trainer serves its metrics.'),
});

const trainingJobSpecSchema = withRules(
  z.object({
    mode: z
      .enum(MODES)
      .default('Recommend')
      .describe(
        'mode of work: Observe measures and forecasts, Recommend also says what would be best, Auto also carries it out.',
      ),
    suspend: z
      .boolean()
      .optional()
      .describe('suspend stops the workers after a checkpoint and keeps all that was learned; unset means false.'),
    replicas: integer(1, WORKERS_MAX)
      .default(1)
      .describe(
        'replicas is the number of workers that the run starts with and, in modes Observe and Recommend, is held at. In mode Auto the number decided on is in status.replicas; Stepwise never writes the spec.',
      ),
    workload: workloadSchema.describe('workload says what the workers run.'),
    elasticity: elasticitySchema
      .prefault({})
      .describe('elasticity bounds the number of workers and says how it is changed.'),
    batch: batchSchema.describe('batch bounds the batch sizes and says how they are tuned.'),
    objective: objectiveSchema
      .prefault({})
      .describe('objective says what the run is for and what is to be made small.'),
    budget: budgetSchema.optional().describe('budget that the run should keep.'),
    eco: ecoSchema
      .optional()
      .describe('eco says whether to wait for hours of cheap or clean electricity; unset means mode Off.'),
    capacity: capacitySchema.describe('capacity says where the workers may run.'),
    prediction: predictionSchema
      .optional()
      .describe('prediction says what is known of the run before it starts, and from whom it learns.'),
    checkpoint: checkpointSchema.prefault({}).describe('checkpoint says where and how checkpoints are made.'),
    metrics: metricsSchema.prefault({}).describe('metrics says how the trainer is read.'),
  }),
  [...replicasRules, batchFitsWorkersRule],
);

/** One training run that Stepwise watches and, in mode Auto, tunes. */
export const trainingJobSchema = withRules(
  z.object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(TRAINING_JOB.kind),
    metadata: objectMetadataSchema,
    spec: trainingJobSpecSchema.describe('spec is what the user wants.'),
    status: trainingJobStatusSchema
      .optional()
      .describe('status is what Stepwise found and did; only Stepwise writes it.'),
  }),
  [trainingJobNameRule],
).describe('TrainingJob is one training run that Stepwise watches and, in mode Auto, tunes.');

export type Mode = (typeof MODES)[number];
/** As the API server returns it: defaults filled in. */
export type TrainingJob = z.output<typeof trainingJobSchema>;
/** As a user writes it: fields with a default may be left out. */
export type TrainingJobInput = z.input<typeof trainingJobSchema>;
export type TrainingJobSpec = TrainingJob['spec'];
export type TrainingJobStatus = NonNullable<TrainingJob['status']>;
export type ResizeStatus = NonNullable<TrainingJobStatus['resize']>;
export type ResizePhase = ResizeStatus['phase'];
export type TuningStatus = NonNullable<TrainingJobStatus['tuning']>;
export type DecisionRecord = NonNullable<TrainingJobStatus['decisions']>[number];
