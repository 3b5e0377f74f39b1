// KWOK keeps simulated nodes and their pods alive; Karpenter makes and removes the nodes.

import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { toolPath, toolSourceFiles } from './build.ts';
import { instanceTypes } from './instance-types.ts';
import { applyFiles, createMissing, waitForCrds } from './kubectl.ts';
import { ensureRunning } from './processes.ts';
import { type Report, timed } from './progress.ts';
import { waitUntilReady } from './readiness.ts';
import { fakePodSubnet, kubeconfigPath, ports, stateDirectory } from './settings.ts';

const manifest = (name: string) => path.join(import.meta.dirname, 'manifests', name);

export async function ensureSimulatedNodes(report: Report): Promise<void> {
  await timed(report, 'KWOK is ready', startKwok);
  await timed(report, 'Karpenter is ready', startKarpenter);
}

async function startKwok(): Promise<void> {
  const kwok = await ensureRunning({
    name: 'kwok',
    command: toolPath('kwok'),
    args: [
      `--kubeconfig=${kubeconfigPath}`,
      `--config=${manifest('kwok-stages.yaml')}`,
      '--manage-all-nodes=false',
      // The real node has no such annotation and is left to its kubelet.
      '--manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake',
      `--cidr=${fakePodSubnet}`,
      '--node-ip=127.0.0.1',
      '--node-lease-duration-seconds=40',
      `--server-address=127.0.0.1:${ports.kwok}`,
    ],
  });
  await waitUntilReady(kwok, { url: `http://127.0.0.1:${ports.kwok}/healthz` });
}

async function startKarpenter(): Promise<void> {
  const instanceTypesPath = path.join(stateDirectory, 'instance-types.json');
  writeFileSync(instanceTypesPath, JSON.stringify(instanceTypes, null, 2));
  await applyFiles(toolSourceFiles('karpenter'));
  await waitForCrds(['nodepools.karpenter.sh', 'nodeclaims.karpenter.sh', 'kwoknodeclasses.karpenter.kwok.sh']);
  const karpenter = await ensureRunning({
    name: 'karpenter',
    command: toolPath('karpenter'),
    args: [],
    environment: {
      KUBECONFIG: kubeconfigPath,
      INSTANCE_TYPES_FILE_PATH: instanceTypesPath,
      // Pools of fixed size, which the operator scales, are behind this gate.
      FEATURE_GATES: 'StaticCapacity=true',
      DISABLE_LEADER_ELECTION: 'true',
      KUBERNETES_MIN_VERSION: '1.25.0-0',
      SYSTEM_NAMESPACE: 'kube-system',
      KARPENTER_SERVICE: 'karpenter',
      METRICS_PORT: String(ports.karpenterMetrics),
      HEALTH_PROBE_PORT: String(ports.karpenterHealth),
      LOG_LEVEL: 'info',
    },
  });
  await waitUntilReady(karpenter, { url: `http://127.0.0.1:${ports.karpenterHealth}/readyz` });
  await createMissing(manifest('node-pools.yaml'));
}
