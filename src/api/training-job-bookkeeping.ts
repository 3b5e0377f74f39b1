import { z } from 'zod';
import { decimal, instant, integer, listOf, text } from './fields.ts';
import { count } from './status-parts.ts';
import { GLOBAL_BATCH_SIZE_MAX } from './training-job-batch.ts';

/**
 * What a restarted operator needs to decide as the one before it did, and that no metric tells.
 * Not part of the contract: users should not build on it.
 */

const batchSize = () => integer(1, GLOBAL_BATCH_SIZE_MAX);

/** Room for the evidence of one job: at most 12 step times, 8 memory points, 32 losses and one reading. */
const EVIDENCE_MAX_LENGTH = 16_384;

const guardSchema = z.object({
  version: count().describe('version of the tuning that is watched.'),
  lossBefore: decimal().describe('lossBefore the change.'),
  stepAtChange: count().describe('stepAtChange is the optimizer step at which the tuning was sent.'),
  microBatchSize: batchSize().describe('microBatchSize to go back to.'),
  gradientAccumulationSteps: batchSize().describe('gradientAccumulationSteps to go back to.'),
});

export const bookkeepingSchema = z.object({
  evidence: text(EVIDENCE_MAX_LENGTH).optional().describe('evidence that the estimates rest on, as versioned JSON.'),
  lastRescaleTime: instant().optional().describe('lastRescaleTime is when the workers last changed, for the cooldown.'),
  lastBatchChangeTime: instant()
    .optional()
    .describe('lastBatchChangeTime is when the tuning last changed, for the cooldown.'),
  rescaleTimes: listOf(instant(), 60).optional().describe('rescaleTimes of the last hour, for the hourly bound.'),
  guard: guardSchema.optional().describe('guard of the tuning that is being watched for a rise of the loss.'),
  unacknowledgedSince: instant()
    .optional()
    .describe('unacknowledgedSince is when a tuning was sent that was never acknowledged.'),
  globalBatchSizeCeiling: batchSize()
    .optional()
    .describe('globalBatchSizeCeiling is the largest global batch that is still tried after the loss rose.'),
});
