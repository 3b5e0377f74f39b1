import { API_GROUP } from './group.ts';

/** Annotations that users put on a TrainingJob. */
export const PAUSED_ANNOTATION = `${API_GROUP}/paused`;
export const PAUSED_SCALE_UP_ANNOTATION = `${API_GROUP}/paused-scale-up`;
export const PAUSED_SCALE_DOWN_ANNOTATION = `${API_GROUP}/paused-scale-down`;
export const PAUSED_BATCH_ANNOTATION = `${API_GROUP}/paused-batch`;
export const HOLD_UNTIL_ANNOTATION = `${API_GROUP}/hold-until`;

/** Labels and annotations that Stepwise puts on what it makes. */
export const TRAINING_JOB_LABEL = `${API_GROUP}/training-job`;
export const INCARNATION_LABEL = `${API_GROUP}/incarnation`;
export const ENERGY_SOURCE_LABEL = `${API_GROUP}/energy-source`;
export const POOL_LABEL = `${API_GROUP}/pool`;
export const TUNING_VERSION_ANNOTATION = `${API_GROUP}/tuning-version`;
export const CHECKPOINT_REQUEST_ANNOTATION = `${API_GROUP}/checkpoint-request`;
export const POD_TEMPLATE_HASH_ANNOTATION = `${API_GROUP}/pod-template-hash`;

export interface KeyDescription {
  readonly key: string;
  readonly on: string;
  readonly value: string;
  readonly meaning: string;
}

export const USER_ANNOTATIONS: readonly KeyDescription[] = [
  {
    key: PAUSED_ANNOTATION,
    on: 'TrainingJob',
    value: '"true"',
    meaning: 'Nothing is changed; measuring and forecasting go on.',
  },
  {
    key: PAUSED_SCALE_UP_ANNOTATION,
    on: 'TrainingJob',
    value: '"true"',
    meaning: 'Workers are not added.',
  },
  {
    key: PAUSED_SCALE_DOWN_ANNOTATION,
    on: 'TrainingJob',
    value: '"true"',
    meaning: 'Workers are not taken away.',
  },
  {
    key: PAUSED_BATCH_ANNOTATION,
    on: 'TrainingJob',
    value: '"true"',
    meaning: 'The batch is not changed.',
  },
  {
    key: HOLD_UNTIL_ANNOTATION,
    on: 'TrainingJob',
    value: 'a time, RFC 3339',
    meaning: 'Nothing is changed before that time.',
  },
];

export const OPERATOR_KEYS: readonly KeyDescription[] = [
  {
    key: TRAINING_JOB_LABEL,
    on: 'worker pods and all objects made for a job',
    value: 'name of the TrainingJob',
    meaning: 'Label by which Prometheus names the job of a sample and the scale subresource finds the pods.',
  },
  {
    key: INCARNATION_LABEL,
    on: 'worker pods and their Job',
    value: 'a number that only grows',
    meaning: 'Label of the workers that were started together.',
  },
  {
    key: POOL_LABEL,
    on: 'worker pods and their Job',
    value: 'name of the GPUPool',
    meaning: 'Label of the pool that the workers run on.',
  },
  {
    key: TUNING_VERSION_ANNOTATION,
    on: 'worker pods and the ConfigMap of the tuning file',
    value: 'version of the tuning',
    meaning: 'Annotation whose change makes the kubelet bring the new tuning file to the pod at once.',
  },
  {
    key: CHECKPOINT_REQUEST_ANNOTATION,
    on: 'worker pods and the ConfigMap of the tuning file',
    value: 'number of the request',
    meaning: 'Annotation whose change makes the kubelet bring the request to the pod at once.',
  },
  {
    key: POD_TEMPLATE_HASH_ANNOTATION,
    on: 'the Job of the workers',
    value: 'a hash',
    meaning: 'Annotation that tells which podTemplate the workers were made from.',
  },
];
