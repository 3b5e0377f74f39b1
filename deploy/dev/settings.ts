// What every part of the local cluster must agree on: folders, ports and addresses.

import { homedir } from 'node:os';
import path from 'node:path';

export const repositoryDirectory = path.resolve(import.meta.dirname, '../..');
export const toolsSourceDirectory = path.join(import.meta.dirname, 'tools');
export const cacheDirectory = process.env['STEPWISE_CACHE'] ?? path.join(homedir(), '.cache', 'stepwise');

export const kubernetesVersion = 'v1.34.4';

// A folder of its own per cluster, so that tests can have theirs in a temporary place.
export const stateDirectory = path.join(repositoryDirectory, '.dev', 'cluster');
export const kubeconfigPath = path.join(repositoryDirectory, '.dev', 'kubeconfig');
export const clusterLockPath = path.join(repositoryDirectory, '.dev', 'cluster.lock');

export interface Ports {
  readonly operatorMetrics: number;
  readonly kubeletHealth: number;
  readonly kwok: number;
  readonly kubelet: number;
  readonly controllerManager: number;
  readonly scheduler: number;
  readonly etcdClient: number;
  readonly etcdPeer: number;
  readonly apiServer: number;
  readonly karpenterMetrics: number;
  readonly karpenterHealth: number;
  readonly dnsHealth: number;
  readonly prometheus: number;
}

const defaultPortBase = 18_000;

// Offsets echo the last digits of each program's usual port, so that a number tells whose it is.
export function portsFrom(base: number): Ports {
  return {
    operatorMetrics: base + 80,
    karpenterMetrics: base + 82,
    karpenterHealth: base + 83,
    kwok: base + 247,
    kubeletHealth: base + 248,
    kubelet: base + 250,
    controllerManager: base + 257,
    scheduler: base + 259,
    etcdClient: base + 379,
    etcdPeer: base + 380,
    apiServer: base + 643,
    dnsHealth: base + 853,
    prometheus: base + 1090,
  };
}

export const ports = portsFrom(readPortBase(process.env['STEPWISE_DEV_PORT_BASE']));

function readPortBase(text: string | undefined): number {
  if (text === undefined || text === '') return defaultPortBase;
  const base = Number(text);
  if (!Number.isInteger(base) || base < 1024 || base > 60_000) {
    throw new Error(`STEPWISE_DEV_PORT_BASE is "${text}"; it must be a whole number from 1024 to 60000`);
  }
  return base;
}

export const serviceSubnet = '10.96.0.0/16';
export const kubernetesServiceAddress = '10.96.0.1';
export const fakePodSubnet = '10.245.0.1/16';

// The real node's bridge: its pods, its DNS and its kubelet live on these addresses.
export const realNode = {
  name: 'real-0',
  bridge: 'stepwise0',
  podSubnet: '10.244.0.0/24',
  address: '10.244.0.1',
  gpus: 4,
} as const;
