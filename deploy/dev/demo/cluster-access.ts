// Which cluster the demo runs on: the local one, started when it does not run, or the one that KUBECONFIG names.

import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { connect } from '../../../src/kube/connect.ts';
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import type { KubeObject, Resource } from '../../../src/kube/resource.ts';
import { buildTools, toolPath } from '../build.ts';
import { isPortFree, takeFreePorts } from '../free-ports.ts';
import { ensureRunning, stopProcess } from '../processes.ts';
import type { Report } from '../progress.ts';
import { prometheusConfig } from '../prometheus.ts';
import { waitUntilReady } from '../readiness.ts';
import { kubeconfigPath, ports } from '../settings.ts';
import { clusterTools } from '../tool-list.ts';
import { createMissingNodePools } from './objects.ts';
import { demoDirectory } from './settings.ts';

export interface ClusterAccess {
  readonly client: KubeClient;
  readonly kubeconfig: string;
  readonly isLocal: boolean;
  readonly prometheusUrl: string;
  readonly operatorPort: number;
  /** Ends what was started for this demo alone. */
  readonly release: () => Promise<void>;
}

const REQUEST_TIMEOUT_SECONDS = 15;

export async function openLocalCluster(report: Report): Promise<ClusterAccess> {
  await runCluster(report);
  if (!(await isPortFree(ports.operatorMetrics))) {
    throw new Error(
      `port ${ports.operatorMetrics} is taken: an operator already works on this cluster. End it and start the demo again.`,
    );
  }
  return {
    client: connect({ kubeconfigPath, requestTimeoutSeconds: REQUEST_TIMEOUT_SECONDS }),
    kubeconfig: kubeconfigPath,
    isLocal: true,
    prometheusUrl: `http://127.0.0.1:${ports.prometheus}`,
    operatorPort: ports.operatorMetrics,
    release: async () => undefined,
  };
}

/** Builds what is missing; says nothing when everything is in the cache. */
export async function buildClusterPrograms(): Promise<void> {
  await buildTools(clusterTools);
}

export async function openGivenCluster(kubeconfig: string): Promise<ClusterAccess> {
  if (!existsSync(kubeconfig)) {
    throw new Error(
      `KUBECONFIG is "${kubeconfig}", which is no file: name one kubeconfig, or unset it for a local cluster`,
    );
  }
  const client = connect({ kubeconfigPath: kubeconfig, requestTimeoutSeconds: REQUEST_TIMEOUT_SECONDS });
  await explainWhatIsMissing(client);
  await createMissingNodePools(client);
  const given = process.env['STEPWISE_PROMETHEUS_URL'];
  const [operatorPort = 0, prometheusPort = 0] = await takeFreePorts(2);
  const own = given === undefined || given === '' ? await startPrometheus(kubeconfig, prometheusPort) : undefined;
  return {
    client,
    kubeconfig,
    isLocal: false,
    prometheusUrl: own?.url ?? given ?? '',
    operatorPort,
    release: own?.stop ?? (async () => undefined),
  };
}

const NODES: Resource<KubeObject> = { apiVersion: 'v1', kind: 'Node', plural: 'nodes', namespaced: false };
const LEASES: Resource<KubeObject & { spec?: { holderIdentity?: string; renewTime?: string } }> = {
  apiVersion: 'coordination.k8s.io/v1',
  kind: 'Lease',
  plural: 'leases',
  namespaced: true,
};

/** @throws Error that names everything that the cluster lacks for the demo, and what would bring it */
async function explainWhatIsMissing(client: KubeClient): Promise<void> {
  try {
    await client.list(NODES, { pageSize: 1 });
  } catch (cause) {
    throw new Error(`the cluster at ${client.server} cannot be used: ${(cause as Error).message}`, { cause });
  }
  const missing: string[] = [];
  const kinds = await client.discover('karpenter.sh/v1');
  const nodePool = kinds.find(({ kind }) => kind === 'NodePool');
  if (nodePool === undefined) missing.push('the kind NodePool of karpenter.sh/v1: install Karpenter 1.8 or newer');
  else if (!nodePool.hasScale) {
    missing.push(
      'the scale subresource of NodePool: install Karpenter 1.8 or newer with FEATURE_GATES=StaticCapacity=true',
    );
  }
  const classes = await client.discover('karpenter.kwok.sh/v1alpha1');
  if (!classes.some(({ kind }) => kind === 'KWOKNodeClass')) {
    missing.push('the kind KWOKNodeClass of karpenter.kwok.sh: use Karpenter with its KWOK provider, and KWOK');
  }
  const rival = (await client.list(LEASES)).items.find(
    ({ metadata, spec }) =>
      metadata.name === 'stepwise-operator' && Date.now() - Date.parse(spec?.renewTime ?? '') < 30_000,
  );
  if (rival !== undefined)
    missing.push(`room: the Stepwise operator ${rival.spec?.holderIdentity} works on it already`);
  if (missing.length === 0) return;
  const list = missing.map((line) => `  - ${line}`).join('\n');
  throw new Error(
    `the cluster at ${client.server} lacks, for the demo:\n${list}\n` +
      'Unset KUBECONFIG and the demo makes a local cluster that has it all; `make cluster-up` of another checkout does too.',
  );
}

async function startPrometheus(
  kubeconfig: string,
  port: number,
): Promise<{ readonly url: string; readonly stop: () => Promise<void> }> {
  await buildTools(['prometheus']);
  mkdirSync(demoDirectory, { recursive: true });
  const config = path.join(demoDirectory, 'prometheus.yaml');
  writeFileSync(config, stringify(prometheusConfig(path.resolve(kubeconfig)), { lineWidth: 0 }));
  const place = { state: demoDirectory };
  const url = `http://127.0.0.1:${port}`;
  const prometheus = await ensureRunning(
    {
      name: 'prometheus',
      command: toolPath('prometheus'),
      args: [
        `--config.file=${config}`,
        `--storage.tsdb.path=${path.join(demoDirectory, 'prometheus')}`,
        '--storage.tsdb.retention.time=1h',
        `--web.listen-address=127.0.0.1:${port}`,
      ],
    },
    place,
  );
  await waitUntilReady(prometheus, { url: `${url}/-/ready` });
  return { url, stop: () => stopProcess('prometheus', place) };
}

/** `make cluster-up`, quietly: its lines are shown when it fails. */
async function runCluster(report: Report): Promise<void> {
  const script = path.join(import.meta.dirname, '..', 'cluster.ts');
  const child = spawn(process.execPath, [script, 'up'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (chunk: Buffer) => {
    said += chunk.toString();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`the local cluster did not come up:\n${said.trim()}`);
  const last = said.split('\n').find((line) => line.startsWith('The cluster is up'));
  report(`  ${last ?? 'The cluster is up.'}`);
}
