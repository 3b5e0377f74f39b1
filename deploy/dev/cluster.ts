// The local cluster's command line: `npx node deploy/dev/cluster.ts up|down|status|start NAME|stop NAME`.

import { rmSync } from 'node:fs';
import path from 'node:path';
import { buildTools } from './build.ts';
import { ensureControlPlane } from './control-plane.ts';
import { withFileLock } from './file-lock.ts';
import { isPortFree } from './free-ports.ts';
import { applyFiles, waitForCrds } from './kubectl.ts';
import { isRunning, listProcesses, startProcess, stopProcess } from './processes.ts';
import { reportToTerminal, secondsSince } from './progress.ts';
import { ensurePrometheus } from './prometheus.ts';
import { ensureRealNode, realNodeExists, removeRealNode, requireRoot } from './real-node.ts';
import { clusterLockPath, kubeconfigPath, ports, repositoryDirectory, stateDirectory } from './settings.ts';
import { ensureSimulatedNodes } from './simulated-nodes.ts';
import { printStatus } from './status.ts';
import { clusterTools } from './tool-list.ts';

const report = reportToTerminal;
const usage = `usage: cluster.ts up [--node=real] | down | status | start NAME | stop NAME`;

async function up(withRealNode: boolean): Promise<void> {
  if (withRealNode) requireRoot();
  const startedAt = performance.now();
  await buildTools(clusterTools, report);
  await explainTakenPorts();
  const certificates = await ensureControlPlane(report);
  await installKinds();
  await ensureSimulatedNodes(report);
  await ensurePrometheus(report);
  if (withRealNode) await ensureRealNode(certificates, report);
  report(`The cluster is up (${secondsSince(startedAt)} s).`);
  report(`  export KUBECONFIG=${kubeconfigPath}`);
  report(`  Prometheus: http://127.0.0.1:${ports.prometheus}`);
}

// The kinds are part of the cluster, so that an operator or a test can start at once.
async function installKinds(): Promise<void> {
  const kinds = ['trainingjobs', 'gpupools', 'scalingpolicies'].map((plural) => `${plural}.stepwise.dev`);
  await applyFiles([path.join(repositoryDirectory, 'crds')]);
  await waitForCrds(kinds);
  report(`  the CRDs of Stepwise are installed`);
}

async function down(): Promise<void> {
  if (realNodeExists()) await removeRealNode(report);
  const programs = listProcesses().reverse();
  for (const program of programs.filter(isRunning)) {
    await stopProcess(program.name);
    report(`  ended ${program.name}`);
  }
  rmSync(stateDirectory, { recursive: true, force: true });
  rmSync(kubeconfigPath, { force: true });
  report('The cluster is gone; the built programs stay in the cache.');
}

// Said before anything starts: a program that cannot listen only says so in its own log.
async function explainTakenPorts(): Promise<void> {
  const owners: [string, number][] = [
    ['etcd', ports.etcdClient],
    ['etcd', ports.etcdPeer],
    ['kube-apiserver', ports.apiServer],
    ['kube-controller-manager', ports.controllerManager],
    ['kube-scheduler', ports.scheduler],
    ['kwok', ports.kwok],
    ['karpenter', ports.karpenterMetrics],
    ['karpenter', ports.karpenterHealth],
    ['prometheus', ports.prometheus],
  ];
  const running = new Set(
    listProcesses()
      .filter(isRunning)
      .map((program) => program.name),
  );
  for (const [name, port] of owners) {
    if (running.has(name) || (await isPortFree(port))) continue;
    throw new Error(
      `port ${port} of 127.0.0.1 is taken, and ${name} needs it: end the program that holds it ` +
        '(`ss -ltnp` names it), or set STEPWISE_DEV_PORT_BASE to another number, such as 28000',
    );
  }
}

const locked = (work: () => Promise<void>) => withFileLock({ path: clusterLockPath, waitSeconds: 3600, report }, work);

async function main(args: readonly string[]): Promise<void> {
  const [command, name] = args;
  if (command === 'up' && (name === undefined || name === '--node=real'))
    return await locked(() => up(name !== undefined));
  if (command === 'down') return await locked(down);
  if (command === 'status') return await printStatus(report);
  if (command === 'start' && name) {
    await startProcess(name);
    return;
  }
  if (command === 'stop' && name) return await stopProcess(name);
  throw new Error(usage);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
