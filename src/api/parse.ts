import { z } from 'zod';
import { type EnergySource, energySourceSchema } from './energy-source.ts';
import { type GpuPool, gpuPoolSchema } from './gpu-pool.ts';
import {
  type ScalingPolicy,
  type ScalingPolicySpec,
  scalingPolicySchema,
  scalingPolicySpecSchema,
} from './scaling-policy.ts';
import { type TrainingJob, trainingJobSchema } from './training-job.ts';
import { type TrainingProfile, trainingProfileSchema } from './training-profile.ts';

/**
 * Reads objects as the API server stores them. Structure, bounds and defaults are those of the CRD;
 * CEL rules are left to the server. Unknown fields are dropped, but kept where the CRD keeps them.
 */
function parse<S extends z.ZodType>(schema: S, kind: string, value: unknown): z.output<S> {
  const result = schema.safeParse(value);
  if (!result.success) throw new Error(`the ${kind} ${nameOf(value)} is not valid:\n${z.prettifyError(result.error)}`);
  return result.data;
}

function nameOf(value: unknown): string {
  const name = z
    .object({ metadata: z.object({ namespace: z.string().optional(), name: z.string() }) })
    .safeParse(value);
  if (!name.success) return 'without a name';
  return [name.data.metadata.namespace, name.data.metadata.name].filter(Boolean).join('/');
}

export function parseTrainingJob(value: unknown): TrainingJob {
  return parse(trainingJobSchema, 'TrainingJob', value);
}

export function parseGpuPool(value: unknown): GpuPool {
  return parse(gpuPoolSchema, 'GPUPool', value);
}

export function parseScalingPolicy(value: unknown): ScalingPolicy {
  return parse(scalingPolicySchema, 'ScalingPolicy', value);
}

export function parseEnergySource(value: unknown): EnergySource {
  return parse(energySourceSchema, 'EnergySource', value);
}

export function parseTrainingProfile(value: unknown): TrainingProfile {
  return parse(trainingProfileSchema, 'TrainingProfile', value);
}

/** What holds for a job that no ScalingPolicy names. */
export const DEFAULT_SCALING_POLICY_SPEC: ScalingPolicySpec = Object.freeze(scalingPolicySpecSchema.parse({}));
