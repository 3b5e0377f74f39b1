import { z } from 'zod';
import { amount, dnsLabel, integer, setOf } from './fields.ts';
import { API_VERSION, SCALING_POLICY } from './group.ts';
import { objectMetadataSchema } from './metadata.ts';
import { conditions, count, observedGeneration } from './status-parts.ts';
import { MODES } from './training-job.ts';
import { timeZone, weeklyWindows } from './weekly-windows.ts';

const hoursSchema = z.object({
  timeZone: timeZone(),
  forbidden: weeklyWindows('spec.hours.forbidden')
    .default([])
    .describe(
      'forbidden windows of the week: jobs in mode Auto are paused in them unless their deadline would be missed.',
    ),
  preferred: weeklyWindows('spec.hours.preferred')
    .default([])
    .describe('preferred windows of the week: jobs whose spec.eco.mode is not Off and names no windows use these.'),
});

export const scalingPolicySpecSchema = z.object({
  namespaces: setOf(dnsLabel(), 64)
    .default([])
    .describe(
      'namespaces that the policy is for; none means every namespace that no other policy names. Of several policies that fit, the first by name holds.',
    ),
  modes: setOf(z.enum(MODES), 3)
    .min(1)
    .default([...MODES])
    .describe('modes that TrainingJobs may use; a job in another mode works in the most capable allowed one below it.'),
  minimumGainPercent: integer(0, 100)
    .default(5)
    .describe('minimumGainPercent of the remaining cost that a change must save, after its own cost, to be made.'),
  cooldownSeconds: integer(0, 86_400).default(120).describe('cooldownSeconds is the pause after a change of workers.'),
  batchCooldownSeconds: integer(0, 86_400)
    .default(30)
    .describe('batchCooldownSeconds is the pause after a change of batch.'),
  maxBatchGrowthFactor: integer(1, 64)
    .default(4)
    .describe(
      'maxBatchGrowthFactor is the largest factor by which one change may raise the global batch; a job that sets no max stays below its initial batch times this factor.',
    ),
  maxRescalesPerHour: integer(1, 60)
    .default(6)
    .describe('maxRescalesPerHour bounds the changes of workers of one job in any hour.'),
  maxGpusPerJob: integer(1, 16_384).optional().describe('maxGpusPerJob bounds the GPUs of one job; unset is no bound.'),
  maxPricePerHour: amount()
    .optional()
    .describe('maxPricePerHour of one job, a decimal string in the currency of the pool; unset is no bound.'),
  planIntervalSeconds: integer(5, 600)
    .default(30)
    .describe(
      'planIntervalSeconds is the time between two plans; the fleet is planned at the shortest of all policies.',
    ),
  hours: hoursSchema.optional().describe('hours of the week in which jobs are kept from running, or should run.'),
  stalenessLimitSeconds: integer(10, 3600)
    .default(60)
    .describe('stalenessLimitSeconds is the age above which a sample counts as unknown.'),
});

const scalingPolicyStatusSchema = z.object({
  observedGeneration: observedGeneration(),
  appliesTo: count().optional().describe('appliesTo is the number of TrainingJobs that the policy holds for.'),
  conditions: conditions(),
});

export const scalingPolicySchema = z
  .object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(SCALING_POLICY.kind),
    metadata: objectMetadataSchema,
    spec: scalingPolicySpecSchema.prefault({}).describe('spec is what the administrator allows.'),
    status: scalingPolicyStatusSchema.optional().describe('status is what Stepwise found; only Stepwise writes it.'),
  })
  .describe('ScalingPolicy is the limits and defaults that an administrator sets for TrainingJobs.');

/** As the API server returns it: defaults filled in. */
export type ScalingPolicy = z.output<typeof scalingPolicySchema>;
/** As a user writes it: fields with a default may be left out. */
export type ScalingPolicyInput = z.input<typeof scalingPolicySchema>;
export type ScalingPolicySpec = ScalingPolicy['spec'];
export type ScalingPolicyStatus = NonNullable<ScalingPolicy['status']>;
