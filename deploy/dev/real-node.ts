// A node that runs real containers on this machine, and its removal without a trace.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { buildTools } from './build.ts';
import type { Certificates } from './certificates.ts';
import { ensureClusterDns } from './cluster-dns.ts';
import { ensureContainerRuntime } from './container-runtime.ts';
import { ensureHostPackages } from './host-packages.ts';
import { tryKubectl } from './kubectl.ts';
import { ensureKubelet } from './kubelet.ts';
import { ensureCgroup, killCgroup, removeCgroup } from './node-cgroups.ts';
import { ensureNetwork, removeNetwork } from './node-network.ts';
import { isRunning, listProcesses, stopProcess } from './processes.ts';
import { type Report, timed } from './progress.ts';
import { places } from './real-node-places.ts';
import { realNode, stateDirectory } from './settings.ts';
import { cleanSharedFolders } from './shared-folders.ts';
import { tryHost } from './shell.ts';
import { realNodeTools } from './tool-list.ts';

export function requireRoot(): void {
  if (process.getuid?.() === 0 && process.platform === 'linux') return;
  throw new Error(
    'NODE=real needs root on Linux: it makes containers, a bridge and mounts. Without it, pods are simulated',
  );
}

export async function ensureRealNode(certificates: Certificates, report: Report): Promise<void> {
  await claimRealNode(report);
  await buildTools(realNodeTools, report);
  await ensureHostPackages(report);
  ensureNetwork();
  ensureCgroup();
  await timed(report, 'containerd is ready and holds the images', ensureContainerRuntime);
  await timed(report, 'CoreDNS is ready', ensureClusterDns);
  await timed(report, `node ${realNode.name} is ready`, () => ensureKubelet(certificates));
}

/** Whether this checkout has a real node, or half of one. */
export function realNodeExists(): boolean {
  return ownerOfRealNode() === stateDirectory;
}

// A machine has one real node: its bridge and its folders have fixed names. What a cluster left that was cut off, by a
// reboot or by its checkout's removal, is nobody's and is cleared away.
async function claimRealNode(report: Report): Promise<void> {
  const owner = ownerOfRealNode();
  if (owner !== undefined && owner !== stateDirectory) {
    if (listProcesses({ state: owner }).some(isRunning)) {
      throw new Error(
        `this machine's real node belongs to the cluster in ${owner}: run \`make cluster-down\` there first`,
      );
    }
    await removeRealNode(report);
  }
  mkdirSync(places.dataDirectory, { recursive: true });
  writeFileSync(places.owner, stateDirectory);
}

function ownerOfRealNode(): string | undefined {
  return existsSync(places.owner) ? readFileSync(places.owner, 'utf8') : undefined;
}

/** Ends the node's pods, then everything that was made for it; safe to repeat, and after any part has died. */
export async function removeRealNode(report: Report): Promise<void> {
  requireRoot();
  // 1. Politely: the kubelet ends its pods and takes their mounts and networks apart.
  await deletePods();
  for (const name of ['kubelet', 'coredns']) await stopIfRunning(name);
  // 2. By force, whatever is left.
  killCgroup();
  endShims();
  await stopIfRunning('containerd');
  await cgroupGone();
  unmountAll();
  removeNetwork();
  for (const folder of [places.runDirectory, places.dataDirectory]) rmSync(folder, { recursive: true, force: true });
  cleanSharedFolders();
  report(`  removed node ${realNode.name}`);
}

async function deletePods(): Promise<void> {
  const kubeletRuns = listProcesses().some((program) => program.name === 'kubelet' && isRunning(program));
  if (!kubeletRuns) return;
  await tryKubectl(['cordon', realNode.name]);
  const onNode = [`--field-selector=spec.nodeName=${realNode.name}`, '--all-namespaces'];
  await tryKubectl(['delete', 'pods', ...onNode, '--grace-period=1', '--wait=false']);
  await waitForSandboxes();
}

// The pods' network namespaces are what is hardest to take apart by hand: wait for the kubelet to do it.
async function waitForSandboxes(): Promise<void> {
  for (let second = 0; second < 20; second += 1) {
    const tasks = tryHost('ctr', ['-a', places.containerdSocket, '-n', 'k8s.io', 'tasks', 'list', '-q']);
    if (tasks.code !== 0 || tasks.stdout.trim() === '') return;
    await sleep(1000);
  }
}

async function stopIfRunning(name: string): Promise<void> {
  const running = listProcesses().some((program) => program.name === name && isRunning(program));
  if (running) await stopProcess(name);
}

// A shim outlives containerd by design. Ours are those that were told our socket.
function endShims(): void {
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const command = readFileSync(`/proc/${entry}/cmdline`, 'utf8').split('\0');
      if (!command[0]?.includes('containerd-shim') || !command.includes(places.containerdSocket)) continue;
      process.kill(Number(entry), 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
}

async function cgroupGone(): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt += 1) {
    if (removeCgroup()) return;
    killCgroup();
    await sleep(200);
  }
}

function unmountAll(): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => [places.runDirectory, places.dataDirectory].some((top) => point.startsWith(`${top}/`)));
  for (const point of mounts.reverse()) tryHost('umount', ['-l', point]);
}
