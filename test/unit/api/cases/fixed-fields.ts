import type { JsonObject } from './case.ts';

/** A change of a spec that the API server must refuse, because a run could not go on with it. */
export interface FixedField {
  readonly change: JsonObject;
  readonly field: string;
  readonly says: RegExp;
}

export const FIXED_IN_TRAINING_JOB: Record<string, FixedField> = {
  'the image': {
    change: {
      workload: { podTemplate: { spec: { containers: [{ name: 'trainer', image: 'example.com/other:2' }] } } },
    },
    field: 'spec.workload.podTemplate',
    says: /podTemplate cannot be changed: delete the TrainingJob and create it again/,
  },
  'a field of the pod that the schema does not name': {
    change: { workload: { podTemplate: { spec: { hostNetwork: true } } } },
    field: 'spec.workload.podTemplate',
    says: /podTemplate cannot be changed/,
  },
  'labels of the pods': {
    change: { workload: { podTemplate: { metadata: { labels: { team: 'vision' } } } } },
    field: 'spec.workload.podTemplate',
    says: /podTemplate cannot be changed/,
  },
  'the initial batch': {
    change: { batch: { globalBatchSize: { initial: 512 } } },
    field: 'spec.batch.globalBatchSize.initial',
    says: /cannot be changed: progress is counted at it, so set min and max instead/,
  },
  'the GPUs of a worker': {
    change: { elasticity: { gpusPerReplica: 2 } },
    field: 'spec.elasticity.gpusPerReplica',
    says: /cannot be changed: .*create another TrainingJob/,
  },
  'the checkpoint directory': {
    change: { checkpoint: { directory: '/elsewhere' } },
    field: 'spec.checkpoint.directory',
    says: /cannot be changed: the checkpoints lie there/,
  },
  'the metrics port': {
    change: { metrics: { port: 8000 } },
    field: 'spec.metrics.port',
    says: /cannot be changed: running workers serve on it/,
  },
};

export const FIXED_IN_GPU_POOL: Record<string, FixedField> = {
  'the accelerator': {
    change: { accelerator: { type: 'nvidia-l4' } },
    field: 'spec.accelerator.type',
    says: /cannot be changed: .*create another GPUPool/,
  },
  'the size of the nodes': {
    change: { gpusPerNode: 4 },
    field: 'spec.gpusPerNode',
    says: /cannot be changed: create another GPUPool/,
  },
};
