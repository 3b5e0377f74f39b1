// Folders whose names are fixed inside containerd, the kubelet and the network plugins. Another program may use them
// too, so only what is certainly of no use to anyone is taken out of them.

import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { places } from './real-node-places.ts';

const shimSockets = '/run/containerd/s';
const kubeletHome = '/var/lib/kubelet';
const containerLogs = '/var/log/containers';

// Inner folders before outer ones: each goes only when nothing is left in it.
const removedWhenEmpty = [
  shimSockets,
  '/run/containerd',
  places.networkNamespaces,
  places.cniResults,
  path.dirname(places.cniResults),
  path.join(kubeletHome, 'device-plugins'),
  kubeletHome,
  containerLogs,
];

export function cleanSharedFolders(): void {
  removeSilentShimSockets();
  removePluginSocket();
  removeLogLinks();
  for (const folder of removedWhenEmpty) {
    if (entriesOf(folder)?.length === 0) rmdirSync(folder);
  }
}

// A shim that was killed leaves its socket; one on which no process listens is of no use.
function removeSilentShimSockets(): void {
  const listening = readFileSync('/proc/net/unix', 'utf8');
  for (const name of entriesOf(shimSockets) ?? []) {
    const socket = path.join(shimSockets, name);
    if (!listening.includes(socket)) rmSync(socket, { force: true });
  }
}

// The kubelet makes this socket outside its root folder. A kubelet of the machine's own would keep more there.
function removePluginSocket(): void {
  const onlyPlugins = entriesOf(kubeletHome)?.join() === 'device-plugins';
  if (onlyPlugins) rmSync(path.join(kubeletHome, 'device-plugins/kubelet.sock'), { force: true });
}

// The kubelet links every container's log here, wherever the logs themselves are.
function removeLogLinks(): void {
  for (const name of entriesOf(containerLogs) ?? []) {
    const link = path.join(containerLogs, name);
    if (linkTarget(link)?.startsWith(places.podLogs)) rmSync(link, { force: true });
  }
}

function entriesOf(folder: string): string[] | undefined {
  return existsSync(folder) ? readdirSync(folder) : undefined;
}

function linkTarget(link: string): string | undefined {
  try {
    return readlinkSync(link);
  } catch {
    return undefined;
  }
}
