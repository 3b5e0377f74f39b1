import { z } from 'zod';
import { immutable, integer, listByKey, mapOf, text, withRules } from './fields.ts';
import { API_GROUP } from './group.ts';

/** The container that trains, when a pod has more than one. */
export const TRAINER_CONTAINER = 'trainer';

const containerSchema = z
  .looseObject({
    name: z
      .string()
      .min(1)
      .max(63)
      .regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/)
      .describe('name of the container, unique in the pod.'),
    image: text(1024).min(1).describe('image that the container runs.'),
  })
  .describe('One container, as in core/v1; fields not named here are passed on unchanged.');

const podSpecSchema = withRules(
  z.looseObject({
    containers: listByKey(containerSchema, ['name'], 32)
      .min(1)
      .describe(
        `containers of a worker's pod. The one named "${TRAINER_CONTAINER}" trains; a single container may have any name.`,
      ),
    restartPolicy: z
      .enum(['Never', 'OnFailure'])
      .optional()
      .describe('restartPolicy of the pod. Stepwise sets Never when it is left out.'),
  }),
  [
    {
      fieldPath: '.containers',
      rule: `size(self.containers) == 1 || self.containers.exists(c, c.name == '${TRAINER_CONTAINER}')`,
      message: `spec.workload.podTemplate.spec.containers has several containers and none named "${TRAINER_CONTAINER}": name the container that trains "${TRAINER_CONTAINER}"`,
    },
  ],
);

const noReservedKeys = (field: 'labels' | 'annotations') => ({
  rule: `self.all(key, !key.startsWith('${API_GROUP}/'))`,
  message: `spec.workload.podTemplate.metadata.${field} must not hold keys that begin with ${API_GROUP}/, which Stepwise sets itself: remove them`,
});

const podMetadataSchema = z.object({
  labels: withRules(mapOf(text(63), 64), [noReservedKeys('labels')])
    .optional()
    .describe('labels put on every worker pod beside those that Stepwise sets.'),
  annotations: withRules(mapOf(text(4096), 64), [noReservedKeys('annotations')])
    .optional()
    .describe('annotations put on every worker pod beside those that Stepwise sets.'),
});

// The server compares the named fields and each further one that both versions have; it overlooks that one further
// field went while another came. Such a change takes effect with the next workers; their annotation holds the hash.
const podTemplateSchema = withRules(
  z.object({
    metadata: podMetadataSchema.optional().describe('metadata of every worker pod: labels and annotations.'),
    spec: podSpecSchema.describe(
      'spec of every worker pod, as in core/v1. Stepwise adds the tuning file, the metrics port, the GPUs and the environment of the trainer protocol.',
    ),
  }),
  [
    immutable(
      'spec.workload.podTemplate',
      'delete the TrainingJob and create it again; a trainer that finds its checkpoint continues where it stopped',
    ),
  ],
);

export const workloadSchema = z.object({
  podTemplate: podTemplateSchema.describe('podTemplate of one worker; every worker of the run has the same.'),
  backoffLimit: integer(0, 1000)
    .default(6)
    .describe(
      'backoffLimit is the number of failed pods after which the run counts as failed. Restarts that Stepwise makes to resize are not failures.',
    ),
  ttlSecondsAfterFinished: integer(0, 31_536_000)
    .optional()
    .describe('ttlSecondsAfterFinished is how long the finished workload is kept; unset keeps it.'),
  activeDeadlineSeconds: integer(1, 31_536_000)
    .optional()
    .describe(
      'activeDeadlineSeconds is the longest time the run may be active before it is stopped as failed; time spent suspended does not count.',
    ),
});
