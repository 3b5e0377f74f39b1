import { z } from 'zod';
import { currencyCode, decimal, dnsLabel, instant, integer, listByKey, listOf, text } from './fields.ts';
import { API_VERSION, TRAINING_PROFILE } from './group.ts';
import { objectMetadataSchema } from './metadata.ts';
import { conditions, count, interval, observedGeneration } from './status-parts.ts';
import { GLOBAL_BATCH_SIZE_MAX } from './training-job-batch.ts';
import { WORKERS_MAX } from './training-job-elasticity.ts';

const batchSize = () => integer(1, GLOBAL_BATCH_SIZE_MAX);
/** Parameters of the step-time model, and the lower triangle of their covariance. */
const PARAMETERS = 7;
const RUNS_MAX = 20;

const bandSchema = z.object({
  lowest: batchSize().describe('lowest global batch.'),
  highest: batchSize().describe('highest global batch.'),
});

const stepTimeSchema = z.object({
  logMeans: listOf(decimal(), PARAMETERS).describe(
    'logMeans of the parameters: overhead, time per sample, exchange within a node and its growth, between nodes and its growth, overlap.',
  ),
  logCovariance: listOf(decimal(), (PARAMETERS * (PARAMETERS + 1)) / 2).describe(
    'logCovariance of the same, the lower triangle row after row.',
  ),
  largestDataParallelSize: integer(1, 65_536).describe(
    'largestDataParallelSize is the most ranks that a step was timed with.',
  ),
});

const noiseSchema = z.object({
  referenceSamples: count().describe('referenceSamples that were done.'),
  gradientNoiseScale: decimal().describe('gradientNoiseScale in samples at that time.'),
});

const memorySchema = z.object({
  microBatchSize: batchSize().describe('microBatchSize is the samples in one pass of one rank.'),
  usedBytes: count().describe('usedBytes is the peak memory of one GPU with it.'),
});

const predictedSchema = z.object({
  seconds: decimal().describe('seconds that the whole run was forecast to take.'),
  cost: decimal().describe('cost that was forecast for the whole run.'),
});

const runSchema = z.object({
  uid: text(64).min(1).describe('uid of the TrainingJob, by which a run is told from every other.'),
  job: dnsLabel().describe('job is the name of the TrainingJob.'),
  endedAt: instant().describe('endedAt is when the run ended.'),
  outcome: z.enum(['Complete', 'Failed']).describe('outcome of the run.'),
  acceleratorType: text(63).min(1).describe('acceleratorType of the GPUs that it ran on last.'),
  pool: dnsLabel().optional().describe('pool is the GPUPool that it ran on last, by whose price it was charged.'),
  replicas: integer(1, WORKERS_MAX).describe('replicas is the number of workers that it ended with.'),
  globalBatchSize: batchSize().describe('globalBatchSize that it ended with.'),
  microBatchSize: batchSize().describe('microBatchSize that it ended with.'),
  initialGlobalBatchSize: batchSize().describe('initialGlobalBatchSize at which its reference samples are counted.'),
  referenceSamples: count().describe('referenceSamples that it did.'),
  seconds: decimal().describe('seconds from its start to its end.'),
  cost: decimal().describe('cost of the run.'),
  currency: currencyCode().describe('currency of the cost, an ISO 4217 code.'),
  batchBand: bandSchema.describe('batchBand is the global batches that it trained with.'),
  targetLoss: decimal().optional().describe('targetLoss at which it was to end; absent for another end.'),
  stepTime: stepTimeSchema.optional().describe('stepTime is the posterior of its step-time model.'),
  noise: listByKey(noiseSchema, ['referenceSamples'], 8)
    .default([])
    .describe('noise is the gradient noise scale along the run.'),
  memory: listByKey(memorySchema, ['microBatchSize'], 8)
    .default([])
    .describe('memory is the peak memory by micro batch.'),
  restartSeconds: decimal().optional().describe('restartSeconds that its resizes took.'),
  predicted: predictedSchema.optional().describe('predicted is what was forecast of it early on.'),
});

const trainingProfileSpecSchema = z.object({
  runs: listByKey(runSchema, ['uid'], RUNS_MAX).default([]).describe('runs of the family, the newest first.'),
});

const acceleratorStatusSchema = z.object({
  type: text(63).describe('type of the GPUs.'),
  runs: count().describe('runs that were timed on it.'),
  secondsPerSample: interval().optional().describe('secondsPerSample that the next run is expected to take.'),
  overheadSecondsPerMicroStep: interval()
    .optional()
    .describe('overheadSecondsPerMicroStep that the next run is expected to have.'),
});

const errorSchema = z.object({
  runs: count().describe('runs of which a forecast was kept.'),
  meanCostErrorPercent: integer(0, 1_000_000).describe('meanCostErrorPercent is the mean of their absolute errors.'),
  meanTimeErrorPercent: integer(0, 1_000_000).describe('meanTimeErrorPercent is the mean of their absolute errors.'),
});

const trainingProfileStatusSchema = z.object({
  observedGeneration: observedGeneration(),
  runs: count().optional().describe('runs that are remembered.'),
  completed: count().optional().describe('completed is how many of them came to their end.'),
  accelerators: listByKey(acceleratorStatusSchema, ['type'], 16)
    .optional()
    .describe('accelerators that the family ran on, and what is expected there.'),
  gradientNoiseScale: interval().optional().describe('gradientNoiseScale in the middle of the runs, in samples.'),
  batchBand: bandSchema.optional().describe('batchBand is the global batches with which runs came to their end.'),
  predictionError: errorSchema.optional().describe('predictionError of the forecasts that were kept.'),
  conditions: conditions(),
});

/** What runs of one family taught. */
export const trainingProfileSchema = z
  .object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(TRAINING_PROFILE.kind),
    metadata: objectMetadataSchema,
    spec: trainingProfileSpecSchema.prefault({}).describe('spec is what the runs of the family taught.'),
    status: trainingProfileStatusSchema
      .optional()
      .describe('status is what Stepwise makes of it for the next run; only Stepwise writes it.'),
  })
  .describe(
    'TrainingProfile is what runs of one family taught: the next run of the family starts with it. Its name is spec.prediction.family of the TrainingJobs.',
  );

export type TrainingProfile = z.output<typeof trainingProfileSchema>;
export type ProfiledRun = TrainingProfile['spec']['runs'][number];
export type TrainingProfileStatus = NonNullable<TrainingProfile['status']>;
