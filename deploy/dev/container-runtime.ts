// containerd, with its own folders and socket: another containerd on the machine is not touched.

import { mkdirSync, writeFileSync } from 'node:fs';
import { ensureRunning } from './processes.ts';
import { waitUntil } from './readiness.ts';
import { places, sandboxImage } from './real-node-places.ts';
import { tryHost } from './shell.ts';
import { importImages } from './trainer-image.ts';

export async function ensureContainerRuntime(): Promise<void> {
  for (const folder of [places.runDirectory, places.containerdRoot])
    mkdirSync(folder, { recursive: true, mode: 0o711 });
  writeFileSync(places.containerdConfig, containerdConfig());
  const containerd = await ensureRunning({
    name: 'containerd',
    command: '/usr/bin/containerd',
    args: [`--config=${places.containerdConfig}`],
  });
  const ctr = (...args: string[]) => tryHost('ctr', ['-a', places.containerdSocket, '-n', 'k8s.io', ...args]);
  await waitUntil({ program: containerd, seconds: 30, isReady: async () => ctr('version').code === 0 });
  importImages();
}

function containerdConfig(): string {
  return `version = 2
root = "${places.containerdRoot}"
state = "${places.containerdState}"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.devmapper"]
[grpc]
  address = "${places.containerdSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${places.containerdRoot}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  # In a container or a virtual machine runc may not lower a process's out-of-memory score.
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${places.cniConfigDirectory}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
      Root = "${places.runcRoot}"
`;
}
