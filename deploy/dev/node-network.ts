// The real node's bridge, on which its pods, its kubelet and the cluster's DNS have their addresses.

import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { networkName, places } from './real-node-places.ts';
import { realNode } from './settings.ts';
import { runHost, tryHost } from './shell.ts';

const forwardingSwitch = '/proc/sys/net/ipv4/ip_forward';
const prefixLength = realNode.podSubnet.split('/')[1];

export function ensureNetwork(): void {
  mkdirSync(places.dataDirectory, { recursive: true });
  // The bridge plugin switches forwarding on; the former value is put back at the end.
  if (!existsSync(places.formerForwarding)) {
    writeFileSync(places.formerForwarding, readFileSync(forwardingSwitch, 'utf8'));
  }
  if (!existsSync(`/sys/class/net/${realNode.bridge}`)) {
    runHost('ip', ['link', 'add', realNode.bridge, 'type', 'bridge']);
    runHost('ip', ['addr', 'add', `${realNode.address}/${prefixLength}`, 'dev', realNode.bridge]);
  }
  runHost('ip', ['link', 'set', realNode.bridge, 'up']);
  writeCniConfig();
}

// No masquerading and no port mapping: pods talk to each other and to this machine, and no firewall rule is made.
function writeCniConfig(): void {
  const bridge = {
    type: 'bridge',
    bridge: realNode.bridge,
    isGateway: true,
    ipam: {
      type: 'host-local',
      dataDir: places.cniAddresses,
      ranges: [[{ subnet: realNode.podSubnet, gateway: realNode.address }]],
      routes: [{ dst: '0.0.0.0/0' }],
    },
  };
  const network = { cniVersion: '0.4.0', name: networkName, plugins: [bridge] };
  mkdirSync(places.cniConfigDirectory, { recursive: true });
  writeFileSync(path.join(places.cniConfigDirectory, '10-stepwise.conflist'), JSON.stringify(network, null, 2));
}

export function removeNetwork(): void {
  for (const namespace of podNamespaces()) {
    tryHost('umount', ['-l', namespace]);
    rmSync(namespace, { force: true });
  }
  for (const result of cniResults()) rmSync(result, { force: true });
  if (existsSync(`/sys/class/net/${realNode.bridge}`)) runHost('ip', ['link', 'delete', realNode.bridge]);
  if (existsSync(places.formerForwarding)) {
    writeFileSync(forwardingSwitch, readFileSync(places.formerForwarding, 'utf8'));
  }
}

// Left by a kubelet that died. Ours are those in which an interface has an address of our subnet.
function podNamespaces(): string[] {
  const prefix = realNode.podSubnet.split('.').slice(0, 3).join('.');
  return filesOf(places.networkNamespaces).filter((file) => {
    const addresses = tryHost('nsenter', [`--net=${file}`, 'ip', '-brief', '-4', 'address']).stdout;
    return addresses.includes(` ${prefix}.`);
  });
}

// The results of our network, and of every other network (the loopback) of the same containers.
function cniResults(): string[] {
  const results = filesOf(places.cniResults);
  const own = results.filter((file) => path.basename(file).startsWith(`${networkName}-`));
  const containers = own.map(
    (file) =>
      path
        .basename(file)
        .slice(networkName.length + 1)
        .split('-')[0] as string,
  );
  return results.filter((file) => containers.some((container) => file.includes(container)));
}

function filesOf(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [];
}
