import { createHash } from 'node:crypto';
import { POD_TEMPLATE_HASH_ANNOTATION, POOL_LABEL, TRAINING_JOB_LABEL } from '../../api/annotations.ts';
import type { GpuPool } from '../../api/gpu-pool.ts';
import { METRICS_PORT_NAME, TUNING_DIRECTORY, TUNING_FILE_PATH } from '../../api/trainer-protocol.ts';
import { TRAINER_CONTAINER } from '../../api/training-job-workload.ts';
import type { KubeObject, OwnerReference } from '../../kube/resource.ts';
import type { Container, EnvironmentVariable, PodSpec, Service, TrainingJobObject, WorkerJob } from '../kinds.ts';

export const GPU_RESOURCE = 'nvidia.com/gpu';
export const DO_NOT_DISRUPT_ANNOTATION = 'karpenter.sh/do-not-disrupt';
/** Key of the tuning ConfigMap that holds the number of workers; pods read it when they start. */
export const WORLD_SIZE_KEY = 'workers';
const TUNING_VOLUME = 'stepwise-tuning';
const MASTER_PORT = 29500;
/** 128 + SIGTERM: a worker that was stopped after its checkpoint. Not a failure. */
const EXIT_CODE_TERMINATED = 143;

export const jobName = (job: TrainingJobObject) => job.metadata.name;
export const serviceName = (job: TrainingJobObject) => job.metadata.name;
export const tuningName = (job: TrainingJobObject) => `${job.metadata.name}-tuning`;

export function ownerOf(job: TrainingJobObject): OwnerReference {
  const { name, uid } = job.metadata;
  return {
    apiVersion: job.apiVersion,
    kind: job.kind,
    name,
    uid: uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

export function isOwnedBy(object: KubeObject, job: TrainingJobObject): boolean {
  return object.metadata.ownerReferences?.some(({ uid }) => uid === job.metadata.uid) ?? false;
}

/**
 * The elastic Indexed Job of a run: one pod per worker, the highest index goes first when it shrinks. The pod template
 * never changes; what differs between sizes is read from the tuning ConfigMap when a pod starts.
 */
export function buildWorkerJob(job: TrainingJobObject, pool: GpuPool, replicas: number): WorkerJob {
  const { workload } = job.spec;
  const template = buildPodTemplate(job, pool);
  const neverRestarts = template.spec.restartPolicy === 'Never';
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: jobName(job),
      namespace: job.metadata.namespace,
      labels: { [TRAINING_JOB_LABEL]: job.metadata.name, [POOL_LABEL]: pool.metadata.name },
      annotations: { [POD_TEMPLATE_HASH_ANNOTATION]: hashOf(workload.podTemplate) },
      ownerReferences: [ownerOf(job)],
    },
    spec: {
      completionMode: 'Indexed',
      parallelism: replicas,
      completions: replicas,
      suspend: false,
      backoffLimit: workload.backoffLimit,
      // A new worker must not start while the old one still holds its GPU.
      podReplacementPolicy: 'Failed',
      ...(workload.activeDeadlineSeconds === undefined
        ? {}
        : { activeDeadlineSeconds: workload.activeDeadlineSeconds }),
      ...(workload.ttlSecondsAfterFinished === undefined
        ? {}
        : { ttlSecondsAfterFinished: workload.ttlSecondsAfterFinished }),
      ...(neverRestarts ? { podFailurePolicy: DISRUPTIONS_ARE_NO_FAILURES } : {}),
      template,
    },
  };
}

const DISRUPTIONS_ARE_NO_FAILURES = {
  rules: [
    { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget', status: 'True' }] },
    { action: 'Ignore', onExitCodes: { operator: 'In', values: [EXIT_CODE_TERMINATED] } },
  ],
};

function buildPodTemplate(job: TrainingJobObject, pool: GpuPool): WorkerJob['spec']['template'] {
  const { podTemplate } = job.spec.workload;
  const user = podTemplate.spec as unknown as PodSpec;
  const spec: PodSpec = {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: job.spec.checkpoint.timeoutSeconds,
    ...user,
    subdomain: serviceName(job),
    nodeSelector: { ...user.nodeSelector, ...pool.spec.nodeSelector },
    volumes: [...(user.volumes ?? []), { name: TUNING_VOLUME, configMap: { name: tuningName(job) } }],
    containers: user.containers.map((container) =>
      isTrainer(user, container) ? withTrainerContract(container, job) : container,
    ),
  };
  if (job.spec.elasticity.gpusPerReplica > 0) {
    const tolerated = { key: GPU_RESOURCE, operator: 'Exists', effect: 'NoSchedule' };
    spec.tolerations = [...(user.tolerations ?? []), tolerated];
  }
  return {
    metadata: {
      labels: {
        ...podTemplate.metadata?.labels,
        [TRAINING_JOB_LABEL]: job.metadata.name,
        [POOL_LABEL]: pool.metadata.name,
      },
      annotations: {
        [DO_NOT_DISRUPT_ANNOTATION]: 'true',
        'cluster-autoscaler.kubernetes.io/safe-to-evict': 'false',
        ...podTemplate.metadata?.annotations,
      },
    },
    spec,
  };
}

function isTrainer(spec: PodSpec, container: Container): boolean {
  return spec.containers.length === 1 || container.name === TRAINER_CONTAINER;
}

function withTrainerContract(container: Container, job: TrainingJobObject): Container {
  const { gpusPerReplica } = job.spec.elasticity;
  const own = contractEnvironment(job);
  const reserved = new Set(own.filter(({ name }) => name.startsWith('STEPWISE_')).map(({ name }) => name));
  const users = (container.env ?? []).filter(({ name }) => !reserved.has(name));
  const taken = new Set(users.map(({ name }) => name));
  return {
    ...container,
    env: [...own.filter(({ name }) => !taken.has(name)), ...users],
    ports: [
      ...(container.ports ?? []).filter(({ name }) => name !== METRICS_PORT_NAME),
      { name: METRICS_PORT_NAME, containerPort: job.spec.metrics.port, protocol: 'TCP' },
    ],
    volumeMounts: [
      ...(container.volumeMounts ?? []),
      { name: TUNING_VOLUME, mountPath: TUNING_DIRECTORY, readOnly: true },
    ],
    ...(gpusPerReplica === 0
      ? {}
      : {
          resources: {
            ...container.resources,
            limits: { ...container.resources?.limits, [GPU_RESOURCE]: String(gpusPerReplica) },
          },
        }),
  };
}

/** What torchrun (`PET_*`) and a plain `env://` rendezvous read. The number of workers is looked up at pod start. */
function contractEnvironment(job: TrainingJobObject): EnvironmentVariable[] {
  const master = `${jobName(job)}-0.${serviceName(job)}`;
  const rank = { fieldRef: { fieldPath: "metadata.annotations['batch.kubernetes.io/job-completion-index']" } };
  const workers = { configMapKeyRef: { name: tuningName(job), key: WORLD_SIZE_KEY } };
  return [
    { name: 'STEPWISE_TUNING_FILE', value: TUNING_FILE_PATH },
    { name: 'STEPWISE_METRICS_PORT', value: String(job.spec.metrics.port) },
    { name: 'STEPWISE_CHECKPOINT_DIR', value: job.spec.checkpoint.directory },
    { name: 'MASTER_ADDR', value: master },
    { name: 'MASTER_PORT', value: String(MASTER_PORT) },
    { name: 'RANK', valueFrom: rank },
    { name: 'WORLD_SIZE', valueFrom: workers },
    { name: 'PET_MASTER_ADDR', value: master },
    { name: 'PET_MASTER_PORT', value: String(MASTER_PORT) },
    { name: 'PET_NODE_RANK', valueFrom: rank },
    { name: 'PET_NNODES', valueFrom: workers },
    { name: 'PET_NPROC_PER_NODE', value: String(Math.max(1, job.spec.elasticity.gpusPerReplica)) },
  ];
}

/** Headless, and publishing addresses before readiness: workers must find each other in order to become ready. */
export function buildService(job: TrainingJobObject): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: serviceName(job),
      namespace: job.metadata.namespace,
      labels: { [TRAINING_JOB_LABEL]: job.metadata.name },
      ownerReferences: [ownerOf(job)],
    },
    spec: {
      clusterIP: 'None',
      publishNotReadyAddresses: true,
      selector: { [TRAINING_JOB_LABEL]: job.metadata.name },
      ports: [{ name: METRICS_PORT_NAME, port: job.spec.metrics.port, protocol: 'TCP' }],
    },
  };
}

function hashOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}
