// The real node's kubelet: real containers, and GPUs that only the scheduler believes in.

import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stringify } from 'yaml';
import { toolPath } from './build.ts';
import { type Certificates, writeKubeconfig } from './certificates.ts';
import { kubectl, tryKubectl } from './kubectl.ts';
import { ensureRunning } from './processes.ts';
import { waitUntil, waitUntilReady } from './readiness.ts';
import { cgroupName, places, poolLabel } from './real-node-places.ts';
import { ports, realNode, stateDirectory } from './settings.ts';

export async function ensureKubelet(certificates: Certificates): Promise<void> {
  mkdirSync(places.kubeletRoot, { recursive: true });
  writeFileSync(places.resolvConf, '');
  writeFileSync(places.kubeletConfig, stringify(kubeletConfig(certificates)));
  const kubeconfig = writeKubeconfig({
    path: path.join(stateDirectory, 'kubelet.kubeconfig'),
    serverUrl: `https://127.0.0.1:${ports.apiServer}`,
    certificates,
    user: 'kubelet',
  });
  const kubelet = await ensureRunning({
    name: 'kubelet',
    command: toolPath('kubelet'),
    args: [
      `--config=${places.kubeletConfig}`,
      `--kubeconfig=${kubeconfig}`,
      `--root-dir=${places.kubeletRoot}`,
      `--hostname-override=${realNode.name}`,
      `--node-ip=${realNode.address}`,
      `--node-labels=${poolLabel},nvidia.com/gpu.product=Tesla-T4`,
    ],
  });
  await waitUntilReady(kubelet, { url: `http://127.0.0.1:${ports.kubeletHealth}/healthz` });
  const isReady = async () => (await nodeCondition()) === 'True';
  await waitUntil({ program: kubelet, seconds: 60, isReady });
  await giveGpus();
}

function kubeletConfig(certificates: Certificates): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: realNode.address,
    port: ports.kubelet,
    readOnlyPort: 0,
    healthzBindAddress: '127.0.0.1',
    healthzPort: ports.kubeletHealth,
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: certificates.certificate('ca') },
    },
    authorization: { mode: 'Webhook' },
    tlsCertFile: certificates.certificate('kubelet'),
    tlsPrivateKeyFile: certificates.key('kubelet'),
    containerRuntimeEndpoint: `unix://${places.containerdSocket}`,
    podLogsDir: places.podLogs,
    clusterDNS: [realNode.address],
    clusterDomain: 'cluster.local',
    resolvConf: places.resolvConf,
    // Works on cgroup v1 too, and keeps every pod under one group that can be removed whole.
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupName}`,
    failCgroupV1: false,
    failSwapOn: false,
    enforceNodeAllocatable: [],
    // Lowering one's own score needs a right that containers lack.
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    // A changed tuning file reaches the pod within ten seconds, and in one when its annotations change too.
    syncFrequency: '10s',
    configMapAndSecretChangeDetectionStrategy: 'Watch',
    nodeStatusUpdateFrequency: '5s',
    evictionHard: { 'memory.available': '200Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    // Images come from no registry, so none may be thrown away.
    imageGCHighThresholdPercent: 100,
    maxPods: 60,
  };
}

async function nodeCondition(): Promise<string> {
  const path = `{.status.conditions[?(@.type=="Ready")].status}`;
  return (await tryKubectl(['get', 'node', realNode.name, '-o', `jsonpath=${path}`])).stdout;
}

// A restarted kubelet may set unknown resources to zero once; what it finds later it leaves.
async function giveGpus(): Promise<void> {
  const gpus = { 'nvidia.com/gpu': String(realNode.gpus) };
  const patch = JSON.stringify({ status: { capacity: gpus, allocatable: gpus } });
  for (let attempt = 0; attempt < 30; attempt += 1) {
    await kubectl(['patch', 'node', realNode.name, '--subresource=status', '--type=merge', `--patch=${patch}`]);
    await sleep(1000);
    const path = '{.status.allocatable.nvidia\\.com/gpu}';
    const seen = await kubectl(['get', 'node', realNode.name, '-o', `jsonpath=${path}`]);
    if (seen === gpus['nvidia.com/gpu']) return;
  }
  throw new Error(`node ${realNode.name} does not keep nvidia.com/gpu: ${realNode.gpus} in its status`);
}
