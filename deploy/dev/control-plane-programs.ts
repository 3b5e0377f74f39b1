// The command lines of etcd and of Kubernetes' own programs.

import path from 'node:path';
import { toolPath } from './build.ts';
import type { Certificates } from './certificates.ts';
import type { Program } from './processes.ts';
import { type Ports, serviceSubnet } from './settings.ts';

export interface ControlPlaneParts {
  readonly state: string;
  readonly ports: Pick<Ports, 'etcdClient' | 'etcdPeer' | 'apiServer'>;
  readonly certificates: Certificates;
}

export function etcd({ state, ports, certificates }: ControlPlaneParts): Program {
  const clientUrl = `https://127.0.0.1:${ports.etcdClient}`;
  const peerUrl = `http://127.0.0.1:${ports.etcdPeer}`;
  return {
    name: 'etcd',
    command: toolPath('etcd'),
    args: [
      '--name=etcd',
      `--data-dir=${path.join(state, 'etcd')}`,
      `--listen-client-urls=${clientUrl}`,
      `--advertise-client-urls=${clientUrl}`,
      `--listen-peer-urls=${peerUrl}`,
      `--initial-advertise-peer-urls=${peerUrl}`,
      `--initial-cluster=etcd=${peerUrl}`,
      `--cert-file=${certificates.certificate('etcd')}`,
      `--key-file=${certificates.key('etcd')}`,
      `--trusted-ca-file=${certificates.certificate('ca')}`,
      '--client-cert-auth',
      // A power cut may lose this cluster; it is made again in seconds.
      '--unsafe-no-fsync',
      '--log-level=warn',
    ],
  };
}

export function apiServer({ ports, certificates }: ControlPlaneParts): Program {
  const { certificate, key } = certificates;
  return {
    name: 'kube-apiserver',
    command: toolPath('kube-apiserver'),
    args: [
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      // No pod reaches this server through the kubernetes Service, and a loopback address is not a legal endpoint.
      '--endpoint-reconciler-type=none',
      `--secure-port=${ports.apiServer}`,
      `--tls-cert-file=${certificate('kube-apiserver')}`,
      `--tls-private-key-file=${key('kube-apiserver')}`,
      `--client-ca-file=${certificate('ca')}`,
      `--etcd-servers=https://127.0.0.1:${ports.etcdClient}`,
      `--etcd-cafile=${certificate('ca')}`,
      `--etcd-certfile=${certificate('kube-apiserver')}`,
      `--etcd-keyfile=${key('kube-apiserver')}`,
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--allow-privileged=true',
      `--service-cluster-ip-range=${serviceSubnet}`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
      `--service-account-signing-key-file=${key('service-account')}`,
      `--service-account-key-file=${path.join(certificates.directory, 'service-account.pub')}`,
      '--kubelet-preferred-address-types=InternalIP',
      `--kubelet-certificate-authority=${certificate('ca')}`,
      `--kubelet-client-certificate=${certificate('kube-apiserver')}`,
      `--kubelet-client-key=${key('kube-apiserver')}`,
      // Kubernetes' own default is 300 s; a lost node should show within a demonstration.
      '--default-not-ready-toleration-seconds=30',
      '--default-unreachable-toleration-seconds=30',
      '--profiling=false',
    ],
  };
}

export function controllerManager({ certificates, kubeconfig, port }: ComponentParts): Program {
  const { certificate, key } = certificates;
  return {
    name: 'kube-controller-manager',
    command: toolPath('kube-controller-manager'),
    args: [
      ...componentFlags({ name: 'kube-controller-manager', certificates, kubeconfig, port }),
      `--root-ca-file=${certificate('ca')}`,
      `--cluster-signing-cert-file=${certificate('ca')}`,
      `--cluster-signing-key-file=${key('ca')}`,
      `--service-account-private-key-file=${key('service-account')}`,
      '--use-service-account-credentials=true',
      '--allocate-node-cidrs=false',
    ],
  };
}

export function scheduler(parts: ComponentParts): Program {
  return {
    name: 'kube-scheduler',
    command: toolPath('kube-scheduler'),
    args: componentFlags({ name: 'kube-scheduler', ...parts }),
  };
}

export interface ComponentParts {
  readonly certificates: Certificates;
  readonly kubeconfig: string;
  readonly port: number;
}

function componentFlags({
  name,
  certificates,
  kubeconfig,
  port,
}: ComponentParts & { readonly name: string }): string[] {
  return [
    `--kubeconfig=${kubeconfig}`,
    `--authentication-kubeconfig=${kubeconfig}`,
    `--authorization-kubeconfig=${kubeconfig}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${certificates.certificate(name)}`,
    `--tls-private-key-file=${certificates.key(name)}`,
    '--leader-elect=false',
    '--profiling=false',
  ];
}
