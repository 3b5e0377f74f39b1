import { z } from 'zod';
import type { CelRule } from './fields.ts';

/** What we read of an object's metadata. The API server owns its schema, so none of this goes into a CRD. */
export const objectMetadataSchema = z.looseObject({
  name: z.string(),
  namespace: z.string().optional(),
  uid: z.string().optional(),
  generation: z.number().optional(),
  resourceVersion: z.string().optional(),
  creationTimestamp: z.string().nullish(),
  deletionTimestamp: z.string().nullish(),
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
  finalizers: z.array(z.string()).nullish(),
});

/** The longest name that leaves room for what Kubernetes appends to the names of the workers' pods. */
const TRAINING_JOB_NAME_MAX_LENGTH = 52;

export const trainingJobNameRule: CelRule = {
  rule: `size(self.metadata.name) <= ${TRAINING_JOB_NAME_MAX_LENGTH} && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')`,
  message: `metadata.name becomes part of the host names of the workers: use at most ${TRAINING_JOB_NAME_MAX_LENGTH} lower-case letters, digits and dashes, without dots`,
};
