// CoreDNS on the bridge: pods of a job find each other as <job>-<index>.<service>.

import { writeFileSync } from 'node:fs';
import { toolPath } from './build.ts';
import { ensureRunning } from './processes.ts';
import { waitUntilReady } from './readiness.ts';
import { places } from './real-node-places.ts';
import { kubeconfigPath, ports, realNode } from './settings.ts';

export async function ensureClusterDns(): Promise<void> {
  writeFileSync(places.corefile, corefile());
  const coredns = await ensureRunning({
    name: 'coredns',
    command: toolPath('coredns'),
    args: ['-conf', places.corefile],
  });
  await waitUntilReady(coredns, { url: `http://127.0.0.1:${ports.dnsHealth}/health` });
}

// Only the cluster's names: pods have no route to the outside. A record lives 2 s, so a restarted rank is found at once.
function corefile(): string {
  return `cluster.local:53 {
    bind ${realNode.address}
    errors
    health 127.0.0.1:${ports.dnsHealth}
    kubernetes cluster.local {
        kubeconfig ${kubeconfigPath} stepwise-dev
        ttl 2
    }
}
`;
}
