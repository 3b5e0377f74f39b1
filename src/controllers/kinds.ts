import type { EnergySource } from '../api/energy-source.ts';
import type { GpuPool } from '../api/gpu-pool.ts';
import { API_VERSION, ENERGY_SOURCE, GPU_POOL, SCALING_POLICY, TRAINING_JOB, TRAINING_PROFILE } from '../api/group.ts';
import type { ScalingPolicy } from '../api/scaling-policy.ts';
import type { TrainingJob } from '../api/training-job.ts';
import type { TrainingProfile } from '../api/training-profile.ts';
import type { KubeObject, ObjectMeta, Resource } from '../kube/resource.ts';

/** The parts of foreign kinds that are read or written here. */

export interface Container {
  name: string;
  image: string;
  env?: EnvironmentVariable[];
  ports?: { name?: string; containerPort: number; protocol?: string }[];
  volumeMounts?: { name: string; mountPath: string; readOnly?: boolean }[];
  resources?: { limits?: Record<string, string | number>; requests?: Record<string, string | number> };
  [field: string]: unknown;
}

export interface EnvironmentVariable {
  name: string;
  value?: string;
  valueFrom?: object;
}

export interface PodSpec {
  containers: Container[];
  restartPolicy?: string;
  subdomain?: string;
  nodeSelector?: Record<string, string>;
  nodeName?: string;
  volumes?: object[];
  tolerations?: object[];
  [field: string]: unknown;
}

export interface WorkerJob extends KubeObject {
  spec: {
    parallelism?: number;
    completions?: number;
    completionMode?: string;
    suspend?: boolean;
    backoffLimit?: number;
    activeDeadlineSeconds?: number;
    ttlSecondsAfterFinished?: number;
    podReplacementPolicy?: string;
    podFailurePolicy?: object;
    template: { metadata?: Partial<ObjectMeta>; spec: PodSpec };
  };
  status?: {
    active?: number;
    ready?: number;
    failed?: number;
    succeeded?: number;
    terminating?: number;
    startTime?: string;
    completionTime?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface Pod extends KubeObject {
  spec: PodSpec;
  status?: {
    phase?: string;
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
  };
}

export interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

export interface Secret extends KubeObject {
  /** Base64. */
  data?: Record<string, string>;
}

export interface Service extends KubeObject {
  spec: object;
}

export interface Node extends KubeObject {
  spec?: { unschedulable?: boolean };
  status?: {
    allocatable?: Record<string, string>;
    conditions?: { type: string; status: string }[];
  };
}

export type TrainingJobObject = TrainingJob & KubeObject;
export type GpuPoolObject = GpuPool & KubeObject;
export type EnergySourceObject = EnergySource & KubeObject;
export type ScalingPolicyObject = ScalingPolicy & KubeObject;
export type TrainingProfileObject = TrainingProfile & KubeObject;

export const TRAINING_JOBS: Resource<TrainingJobObject> = {
  apiVersion: API_VERSION,
  kind: TRAINING_JOB.kind,
  plural: TRAINING_JOB.plural,
  namespaced: true,
};
export const JOBS: Resource<WorkerJob> = { apiVersion: 'batch/v1', kind: 'Job', plural: 'jobs', namespaced: true };
export const PODS: Resource<Pod> = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
export const CONFIG_MAPS: Resource<ConfigMap> = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  plural: 'configmaps',
  namespaced: true,
};
export const SERVICES: Resource<Service> = { apiVersion: 'v1', kind: 'Service', plural: 'services', namespaced: true };
export const NODES: Resource<Node> = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
export const GPU_POOLS: Resource<GpuPoolObject> = {
  apiVersion: API_VERSION,
  kind: GPU_POOL.kind,
  plural: GPU_POOL.plural,
  namespaced: false,
};
export const SECRETS: Resource<Secret> = { apiVersion: 'v1', kind: 'Secret', plural: 'secrets', namespaced: true };
export const ENERGY_SOURCES: Resource<EnergySourceObject> = {
  apiVersion: API_VERSION,
  kind: ENERGY_SOURCE.kind,
  plural: ENERGY_SOURCE.plural,
  namespaced: false,
};
export const SCALING_POLICIES: Resource<ScalingPolicyObject> = {
  apiVersion: API_VERSION,
  kind: SCALING_POLICY.kind,
  plural: SCALING_POLICY.plural,
  namespaced: false,
};
export const TRAINING_PROFILES: Resource<TrainingProfileObject> = {
  apiVersion: API_VERSION,
  kind: TRAINING_PROFILE.kind,
  plural: TRAINING_PROFILE.plural,
  namespaced: true,
};
