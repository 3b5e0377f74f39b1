// Which programs the local cluster is made of, and from which Go packages they are built.

import path from 'node:path';
import type { FileChange } from './changed-module.ts';
import { kubernetesVersion, toolsSourceDirectory } from './settings.ts';

export interface Tool {
  readonly name: string;
  readonly package: string;
  readonly module: string;
  readonly change?: FileChange;
  /** Files of the program's own module that it needs beside it, such as its CRDs. */
  readonly sourceFiles?: { readonly goModule: string; readonly folders: readonly string[] };
}

// Two modules: KWOK and Karpenter need a newer client-go than this Kubernetes is made of.
const controlPlaneModule = toolsSourceDirectory;
const nodesModule = path.join(toolsSourceDirectory, 'nodes');

const inControlPlane = (name: string, goPackage: string): Tool => ({
  name,
  package: goPackage,
  module: controlPlaneModule,
});
const inNodes = (name: string, goPackage: string): Tool => ({ name, package: goPackage, module: nodesModule });

// Prometheus finds targets in twenty clouds, and their libraries are a third of what it compiles.
const onlyKubernetesDiscovery: FileChange = {
  goModule: 'github.com/prometheus/prometheus',
  file: 'plugins/plugins.go',
  text: 'package plugins\n\nimport _ "github.com/prometheus/prometheus/discovery/kubernetes"\n',
};

export const tools = {
  certificates: inControlPlane('certificates', './certificates'),
  etcd: inControlPlane('etcd', 'go.etcd.io/etcd/server/v3'),
  'kube-apiserver': inControlPlane('kube-apiserver', 'k8s.io/kubernetes/cmd/kube-apiserver'),
  kubectl: inControlPlane('kubectl', 'k8s.io/kubernetes/cmd/kubectl'),
  'kube-controller-manager': inControlPlane('kube-controller-manager', 'k8s.io/kubernetes/cmd/kube-controller-manager'),
  'kube-scheduler': inControlPlane('kube-scheduler', 'k8s.io/kubernetes/cmd/kube-scheduler'),
  prometheus: {
    ...inControlPlane('prometheus', 'github.com/prometheus/prometheus/cmd/prometheus'),
    change: onlyKubernetesDiscovery,
  },
  promtool: {
    ...inControlPlane('promtool', 'github.com/prometheus/prometheus/cmd/promtool'),
    change: onlyKubernetesDiscovery,
  },
  kwok: inNodes('kwok', 'sigs.k8s.io/kwok/cmd/kwok'),
  karpenter: {
    ...inNodes('karpenter', 'sigs.k8s.io/karpenter/kwok'),
    sourceFiles: { goModule: 'sigs.k8s.io/karpenter', folders: ['pkg/apis/crds', 'kwok/apis/crds'] },
  },
  kubelet: inControlPlane('kubelet', 'k8s.io/kubernetes/cmd/kubelet'),
  coredns: inControlPlane('coredns', './dns'),
} as const satisfies Record<string, Tool>;

export type ToolName = keyof typeof tools;

export const toolNamed = (name: ToolName): Tool => tools[name];

// What an API server alone needs: the integration tests start no more than this.
export const apiServerTools = ['certificates', 'etcd', 'kube-apiserver', 'kubectl'] as const satisfies ToolName[];

export const clusterTools = [
  ...apiServerTools,
  'kube-controller-manager',
  'kube-scheduler',
  'prometheus',
  'kwok',
  'karpenter',
] as const satisfies ToolName[];

export const realNodeTools = ['kubelet', 'coredns'] as const satisfies ToolName[];

const [major, minor] = kubernetesVersion.slice(1).split('.');
const versionPackages = ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'];

export const linkerFlags = [
  '-s',
  '-w',
  ...versionPackages.flatMap((name) => [
    `-X ${name}.gitVersion=${kubernetesVersion}`,
    `-X ${name}.gitMajor=${major}`,
    `-X ${name}.gitMinor=${minor}`,
    `-X ${name}.gitTreeState=clean`,
  ]),
  '-X github.com/prometheus/common/version.Version=3.7.3',
].join(' ');
