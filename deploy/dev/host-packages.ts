// What the real node takes from Debian: the container runtime, and the Python that trainer pods mount.

import { existsSync } from 'node:fs';
import { type Report, timed } from './progress.ts';
import { runHost } from './shell.ts';

// A file that each package brings tells whether it is there, without asking dpkg on machines that have none.
const packages: Readonly<Record<string, string>> = {
  containerd: '/usr/bin/containerd',
  runc: '/usr/sbin/runc',
  'containernetworking-plugins': '/usr/lib/cni/bridge',
  'busybox-static': '/bin/busybox',
  iproute2: '/sbin/ip',
  'python3-torch': '/usr/lib/python3/dist-packages/torch',
  'libopenblas0-pthread': '/usr/lib/x86_64-linux-gnu/openblas-pthread',
  'python3-prometheus-client': '/usr/lib/python3/dist-packages/prometheus_client',
};

export async function ensureHostPackages(report: Report): Promise<void> {
  const missing = Object.keys(packages).filter((name) => !existsSync(packages[name] as string));
  if (missing.length === 0) return;
  if (!existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `the real node needs ${missing.join(', ')}, and only Debian's apt-get is known here to install them`,
    );
  }
  report(`  installing ${missing.join(', ')} …`);
  await timed(report, 'Debian packages are installed', async () => {
    const quiet = { DEBIAN_FRONTEND: 'noninteractive' };
    runHost('apt-get', ['update', '-qq'], quiet);
    runHost('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...missing], quiet);
  });
}
