// TrainingJobs for the real node: its image holds busybox only, so Python and the trainer are the host's, mounted.

import path from 'node:path';
import { trainerImage } from '../../deploy/dev/real-node-places.ts';
import { repositoryDirectory } from '../../deploy/dev/settings.ts';
import { TRAINING_JOBS, type TrainingJobObject } from '../../src/controllers/kinds.ts';
import { NAMESPACE, POOL } from './e2e-cluster.ts';
import type { RunFolder } from './e2e-trace.ts';

export interface JobOptions {
  readonly name: string;
  readonly mode: 'Observe' | 'Recommend' | 'Auto';
  readonly globalBatchSize: number;
  /** `traced.py` is char-lm with a trace of its steps, `scripted.py` only plays a trainer. */
  readonly program: 'char-lm' | 'traced.py' | 'scripted.py';
  readonly args?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder: RunFolder;
  readonly targetLoss?: number;
  readonly maxReplicas?: number;
  readonly maxGlobalBatchSize?: number;
  readonly spec?: Record<string, unknown>;
}

const HOST_MOUNTS = [
  { name: 'usr', host: '/usr', at: '/usr' },
  { name: 'usr-lib', host: '/usr/lib', at: '/lib' },
  { name: 'usr-lib64', host: '/usr/lib64', at: '/lib64' },
  { name: 'alternatives', host: '/etc/alternatives', at: '/etc/alternatives' },
  { name: 'sdk', host: path.join(repositoryDirectory, 'sdk/python/src'), at: '/workspace/sdk' },
  { name: 'char-lm', host: path.join(repositoryDirectory, 'deploy/examples/char-lm'), at: '/workspace/char-lm' },
  { name: 'trainers', host: path.join(repositoryDirectory, 'test/e2e/trainers'), at: '/workspace/trainers' },
];

export function aTrainingJob(options: JobOptions): TrainingJobObject {
  const { name, mode, globalBatchSize, folder, targetLoss, maxReplicas = 1, spec = {} } = options;
  const most = options.maxGlobalBatchSize ?? 2048;
  const job = {
    apiVersion: TRAINING_JOBS.apiVersion,
    kind: TRAINING_JOBS.kind,
    metadata: { name, namespace: NAMESPACE },
    spec: {
      mode,
      replicas: 1,
      batch: {
        globalBatchSize: { initial: globalBatchSize, max: most },
        microBatchSize: { max: most },
        learningRate: { rule: 'Sqrt' },
        reload: { ackTimeoutSeconds: 10 },
      },
      elasticity: { maxReplicas },
      checkpoint: { timeoutSeconds: 20 },
      ...(targetLoss === undefined
        ? {}
        : { objective: { work: { type: 'ValidationLoss', validationLoss: String(targetLoss) } } }),
      capacity: { pools: [{ name: POOL }] },
      workload: { podTemplate: { spec: { containers: [containerOf(options)], volumes: volumesOf(folder) } } },
      ...spec,
    },
  };
  return job as unknown as TrainingJobObject;
}

function containerOf({ program, args = [], environment = {} }: JobOptions): object {
  const file = program === 'char-lm' ? '/workspace/char-lm/train.py' : `/workspace/trainers/${program}`;
  const variables = {
    PYTHONPATH: '/workspace/sdk:/workspace/char-lm',
    PYTHONDONTWRITEBYTECODE: '1',
    GLOO_SOCKET_IFNAME: 'eth0',
    ...environment,
  };
  return {
    name: 'trainer',
    image: trainerImage,
    imagePullPolicy: 'Never',
    command: ['/usr/bin/python3', '-u', file],
    args: [...args],
    env: Object.entries(variables).map(([name, value]) => ({ name, value })),
    volumeMounts: [
      ...HOST_MOUNTS.map(({ name, at }) => ({ name, mountPath: at, readOnly: true })),
      { name: 'checkpoints', mountPath: '/checkpoints' },
    ],
  };
}

function volumesOf(folder: RunFolder): readonly object[] {
  return [
    ...HOST_MOUNTS.map(({ name, host }) => ({ name, hostPath: { path: host } })),
    { name: 'checkpoints', hostPath: { path: folder.path } },
  ];
}
