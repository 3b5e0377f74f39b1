// Where the real node keeps what it needs. Short paths: a socket's name may not exceed 108 characters.

import path from 'node:path';

const runDirectory = '/run/stepwise-dev';
const dataDirectory = '/var/lib/stepwise-dev';

export const places = {
  runDirectory,
  dataDirectory,
  owner: path.join(dataDirectory, 'owner'),
  containerdSocket: path.join(runDirectory, 'containerd.sock'),
  containerdState: path.join(runDirectory, 'containerd'),
  runcRoot: path.join(runDirectory, 'runc'),
  containerdRoot: path.join(dataDirectory, 'containerd'),
  containerdConfig: path.join(dataDirectory, 'containerd.toml'),
  cniConfigDirectory: path.join(dataDirectory, 'cni'),
  cniAddresses: path.join(dataDirectory, 'cni-addresses'),
  // libcni remembers here, by network, what it set up for which container.
  cniResults: '/var/lib/cni/results',
  networkNamespaces: '/run/netns',
  kubeletRoot: path.join(dataDirectory, 'kubelet'),
  kubeletConfig: path.join(dataDirectory, 'kubelet.yaml'),
  podLogs: path.join(dataDirectory, 'pod-logs'),
  resolvConf: path.join(dataDirectory, 'resolv.conf'),
  corefile: path.join(dataDirectory, 'Corefile'),
  formerForwarding: path.join(dataDirectory, 'former-ip-forward'),
  image: path.join(dataDirectory, 'images.tar'),
} as const;

export const networkName = 'stepwise-dev';
export const cgroupName = 'stepwise-dev';
export const trainerImage = 'stepwise.dev/trainer-base:dev';
export const sandboxImage = 'stepwise.dev/sandbox:dev';
export const poolLabel = 'stepwise.dev/pool=real';
