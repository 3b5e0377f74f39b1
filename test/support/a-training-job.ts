import type { GpuPoolInput } from '../../src/api/gpu-pool.ts';
import { API_VERSION } from '../../src/api/group.ts';
import { parseGpuPool, parseScalingPolicy, parseTrainingJob } from '../../src/api/parse.ts';
import type { ScalingPolicyInput } from '../../src/api/scaling-policy.ts';
import type { TrainingJobInput, TrainingJobStatus } from '../../src/api/training-job.ts';
import type { GpuPoolObject, ScalingPolicyObject, TrainingJobObject } from '../../src/controllers/kinds.ts';

type SpecInput = TrainingJobInput['spec'];

export interface TrainingJobParts {
  readonly name?: string;
  readonly uid?: string;
  readonly spec?: Partial<SpecInput>;
  readonly status?: TrainingJobStatus;
  readonly annotations?: Record<string, string>;
  readonly generation?: number;
}

/** A job as the API server returns it: two workers of one GPU on pool `t4`, global batch 256, mode Auto. */
export function aTrainingJob(parts: TrainingJobParts = {}): TrainingJobObject {
  const { name = 'bert', uid = `uid-of-${name}`, generation = 1, annotations, status } = parts;
  const spec: SpecInput = {
    mode: 'Auto',
    replicas: 2,
    workload: { podTemplate: { spec: { containers: [{ name: 'trainer', image: 'trainer:1' }] } } },
    elasticity: { minReplicas: 1, maxReplicas: 8 },
    batch: { globalBatchSize: { initial: 256, max: 4096 }, learningRate: { rule: 'Sqrt' } },
    capacity: { pools: [{ name: 't4' }] },
    ...parts.spec,
  };
  const metadata = { name, namespace: 'team', uid, generation, resourceVersion: '1', annotations };
  const parsed = parseTrainingJob({ apiVersion: API_VERSION, kind: 'TrainingJob', metadata, spec, status });
  return { ...parsed, metadata } as TrainingJobObject;
}

export interface GpuPoolParts {
  readonly name?: string;
  readonly spec?: Partial<GpuPoolInput['spec']>;
  readonly status?: GpuPoolObject['status'];
}

/** A pool of nodes with two GPUs each, scaled through another object, at 1 USD per node and hour. */
export function aGpuPool(parts: GpuPoolParts = {}): GpuPoolObject {
  const { name = 't4', status } = parts;
  const metadata = { name, uid: `uid-of-pool-${name}`, generation: 1, resourceVersion: '1' };
  const spec: GpuPoolInput['spec'] = {
    accelerator: { type: 'nvidia-t4' },
    gpusPerNode: 2,
    nodeSelector: { pool: name },
    provider: {
      type: 'ScaleSubresource',
      scaleTarget: { apiVersion: 'karpenter.sh/v1', kind: 'NodePool', name },
    },
    limits: { maxNodes: 4 },
    cost: { pricePerNodeHour: '1.00' },
    ...parts.spec,
  };
  const parsed = parseGpuPool({ apiVersion: API_VERSION, kind: 'GPUPool', metadata, spec, status });
  return { ...parsed, metadata } as GpuPoolObject;
}

/** A policy for all namespaces. */
export function aPolicy(spec: ScalingPolicyInput['spec'] = {}, name = 'default'): ScalingPolicyObject {
  const metadata = { name, resourceVersion: '1' };
  return { ...parseScalingPolicy({ apiVersion: API_VERSION, kind: 'ScalingPolicy', metadata, spec }), metadata };
}
