import { z } from 'zod';
import { decimal, dnsSubdomain, instant, integer, listOf, text } from './fields.ts';
import { count } from './status-parts.ts';
import { GLOBAL_BATCH_SIZE_MAX } from './training-job-batch.ts';

/**
 * What a restarted operator needs to decide as the one before it did, and that no metric tells.
 * Not part of the contract: users should not build on it.
 */

const batchSize = () => integer(1, GLOBAL_BATCH_SIZE_MAX);

/** Workers that were started together. The trainer's counters begin at zero with each. */
const incarnationSchema = z.object({
  number: count().describe('number of the incarnation; only grows.'),
  startedAt: instant().optional().describe('startedAt is when its workers were created.'),
  steps: count().describe('steps that had been completed before it began.'),
  samples: count().describe('samples that had been completed before it began.'),
  referenceSamples: count().describe('referenceSamples that had been completed before it began.'),
  trainerSteps: count().optional().describe('trainerSteps is the last value read of the step counter of its trainer.'),
  trainerSamples: count()
    .optional()
    .describe('trainerSamples is the last value read of the sample counters of its trainer.'),
});

const throughputPointSchema = z.object({
  pool: dnsSubdomain().describe('pool on which it was measured.'),
  replicas: integer(1, 1024).describe('replicas that took part.'),
  microBatchSize: batchSize().describe('microBatchSize at which it was measured.'),
  gradientAccumulationSteps: batchSize().describe('gradientAccumulationSteps at which it was measured.'),
  stepSeconds: decimal().describe('stepSeconds is the mean time of an optimizer step.'),
  steps: count().describe('steps that the mean is of; its weight.'),
  observedAt: instant().describe('observedAt is when the last of these steps was seen.'),
});

const noisePointSchema = z.object({
  referenceSamples: count().describe('referenceSamples completed when it was measured.'),
  gradientNoiseScale: decimal().describe('gradientNoiseScale measured, in samples.'),
  observations: count().describe('observations of the gradient that it is the mean of; its weight.'),
});

const memoryPointSchema = z.object({
  pool: dnsSubdomain().describe('pool on which it was measured.'),
  microBatchSize: batchSize().describe('microBatchSize at which it was measured.'),
  memoryUsedBytes: count().describe('memoryUsedBytes at the peak of the fullest GPU.'),
});

const guardSchema = z.object({
  version: count().describe('version of the tuning that is watched.'),
  lossBefore: decimal().describe('lossBefore the change.'),
  stepAtChange: count().describe('stepAtChange is the optimizer step at which the tuning took effect.'),
});

export const bookkeepingSchema = z.object({
  incarnation: incarnationSchema.optional().describe('incarnation of the workers and the counts before it.'),
  checkpointRequest: count()
    .optional()
    .describe('checkpointRequest is the newest number sent to the trainer; only grows.'),
  lastRescaleTime: instant().optional().describe('lastRescaleTime is when the workers last changed, for the cooldown.'),
  lastBatchChangeTime: instant()
    .optional()
    .describe('lastBatchChangeTime is when the tuning last changed, for the cooldown.'),
  rescaleTimes: listOf(instant(), 60).optional().describe('rescaleTimes of the last hour, for the hourly bound.'),
  throughputPoints: listOf(throughputPointSchema, 64)
    .optional()
    .describe('throughputPoints that the step time is fitted to.'),
  noisePoints: listOf(noisePointSchema, 64)
    .optional()
    .describe('noisePoints that the growth of the noise is fitted to.'),
  memoryPoints: listOf(memoryPointSchema, 32).optional().describe('memoryPoints that the memory is fitted to.'),
  guard: guardSchema.optional().describe('guard of the tuning that is being watched for a rise of the loss.'),
  podTemplateHash: text(64).optional().describe('podTemplateHash of the workers that were started.'),
});

export type Bookkeeping = z.output<typeof bookkeepingSchema>;
