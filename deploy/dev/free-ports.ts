// Ports: is one free, and which ones may a test take.

import { createServer } from 'node:net';

export async function isPortFree(port: number): Promise<boolean> {
  return (await listenOnce(port)) !== undefined;
}

/** Distinct free ports, held open together while they are chosen. */
export async function takeFreePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(Array.from({ length: count }, () => open(0)));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function listenOnce(port: number): Promise<number | undefined> {
  try {
    const server = await open(port);
    await new Promise((resolve) => server.close(resolve));
    return port;
  } catch {
    return undefined;
  }
}

function open(port: number): Promise<ReturnType<typeof createServer>> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
