// The cluster's own authority, the certificates it signs, and the kubeconfigs made of them.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { toolPath } from './build.ts';
import { kubernetesServiceAddress, realNode } from './settings.ts';

export interface CertificateRequest {
  readonly name: string;
  readonly commonName: string;
  readonly organizations?: readonly string[];
  readonly hosts?: readonly string[];
}

const loopback = ['127.0.0.1', 'localhost'];

// system:masters is cluster-admin; the other names are the ones that Kubernetes' built-in roles are bound to.
const clusterCertificates: readonly CertificateRequest[] = [
  {
    name: 'kube-apiserver',
    commonName: 'kube-apiserver',
    organizations: ['system:masters'],
    hosts: [
      ...loopback,
      kubernetesServiceAddress,
      realNode.address,
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
    ],
  },
  { name: 'etcd', commonName: 'etcd', hosts: loopback },
  { name: 'admin', commonName: 'stepwise-dev-admin', organizations: ['system:masters'] },
  { name: 'kube-controller-manager', commonName: 'system:kube-controller-manager', hosts: loopback },
  { name: 'kube-scheduler', commonName: 'system:kube-scheduler', hosts: loopback },
  {
    name: 'kubelet',
    commonName: `system:node:${realNode.name}`,
    organizations: ['system:nodes'],
    hosts: [realNode.name, realNode.address],
  },
];

export interface Certificates {
  readonly directory: string;
  certificate(name: string): string;
  key(name: string): string;
}

/** Makes what is missing and keeps what is there. */
export function ensureCertificates(directory: string): Certificates {
  const plan = { directory, certificates: clusterCertificates };
  const made = spawnSync(toolPath('certificates'), { input: JSON.stringify(plan), encoding: 'utf8' });
  if (made.status !== 0) {
    throw new Error(`cannot make the cluster's certificates in ${directory}: ${made.stderr || made.error?.message}`);
  }
  return {
    directory,
    certificate: (name) => path.join(directory, `${name}.crt`),
    key: (name) => path.join(directory, `${name}.key`),
  };
}

export interface KubeconfigOptions {
  readonly path: string;
  readonly serverUrl: string;
  readonly certificates: Certificates;
  readonly user: string;
}

export function writeKubeconfig({ path: target, serverUrl, certificates, user }: KubeconfigOptions): string {
  const encoded = (file: string) => readFileSync(file).toString('base64');
  const cluster = { server: serverUrl, 'certificate-authority-data': encoded(certificates.certificate('ca')) };
  const credentials = {
    'client-certificate-data': encoded(certificates.certificate(user)),
    'client-key-data': encoded(certificates.key(user)),
  };
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'stepwise-dev', cluster }],
    users: [{ name: user, user: credentials }],
    contexts: [{ name: 'stepwise-dev', context: { cluster: 'stepwise-dev', user } }],
    'current-context': 'stepwise-dev',
  };
  mkdirSync(path.dirname(target), { recursive: true });
  // JSON is YAML too; the key inside is why only the owner may read it.
  writeFileSync(target, `${JSON.stringify(kubeconfig, null, 2)}\n`, { mode: 0o600 });
  return target;
}
