// An HTTP proxy between a client and an API server that goes wrong on request.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import * as https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';

type Fault =
  /** Answers with a Status object instead of asking the server. */
  | { readonly kind: 'status'; readonly status: number; readonly reason: string; readonly retryAfterSeconds?: number }
  /** Answers 200 with an empty body: a watch that is closed at once. */
  | { readonly kind: 'close' }
  /** Drops the connection before any answer. */
  | { readonly kind: 'reset' }
  /** Takes the request and never answers. */
  | { readonly kind: 'silent' }
  /** Passes the request on after a while. */
  | { readonly kind: 'slow'; readonly seconds: number }
  /** Answers 200 and one line of a watch: as it is, so possibly no JSON. */
  | { readonly kind: 'line'; readonly line: string }
  /** Passes the request on, and the answer only up to this many bytes; then resets. */
  | { readonly kind: 'truncate'; readonly bytes: number };

type Target = 'watch' | 'call' | 'any';

export interface FaultProxy {
  readonly kubeconfigPath: string;
  /** Requests that came so far. */
  readonly seen: { watches: number; calls: number; connections: number };
  /** The next `times` requests of this sort meet the fault. */
  inject(fault: Fault, options?: { times?: number; on?: Target }): void;
  /** Ends the open connections, or the open watches only, with a TCP reset. */
  resetOpen(target?: Target): void;
  /** Writes a line into the open watches. */
  writeIntoWatches(line: string): void;
  /** From now on no byte passes in either direction, on old and new connections; sockets stay open. */
  freeze(): void;
  /** New requests pass again; those frozen stay dead, as behind a lost NAT entry. */
  thaw(): void;
  close(): Promise<void>;
}

interface Injected {
  readonly fault: Fault;
  readonly on: Target;
  times: number;
}

export async function startFaultProxy(options: { readonly kubeconfigPath: string }): Promise<FaultProxy> {
  const upstream = await readUpstream(options.kubeconfigPath);
  const injected: Injected[] = [];
  const sockets = new Set<Socket>();
  const open = new Map<http.ServerResponse, 'watch' | 'call'>();
  const seen = { watches: 0, calls: 0, connections: 0 };
  let frozen = false;

  const server = http.createServer((incoming, answer) => {
    const sort = new URL(incoming.url ?? '/', 'http://proxy').searchParams.has('watch') ? 'watch' : 'call';
    seen[sort === 'watch' ? 'watches' : 'calls'] += 1;
    open.set(answer, sort);
    answer.on('close', () => open.delete(answer));
    if (frozen) return;
    const fault = takeFault(injected, sort);
    void meet(fault, { incoming, answer, upstream });
  });
  server.on('connection', (socket) => {
    seen.connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const folder = mkdtempSync(path.join(tmpdir(), 'fault-proxy-'));
  const kubeconfigPath = path.join(folder, 'kubeconfig');
  writeFileSync(kubeconfigPath, plainKubeconfig(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));

  return {
    kubeconfigPath,
    seen,
    inject: (fault, { times = 1, on = 'any' } = {}) => injected.push({ fault, on, times }),
    resetOpen(target = 'any') {
      for (const [answer, sort] of open) if (target === 'any' || target === sort) answer.socket?.resetAndDestroy();
    },
    writeIntoWatches(line) {
      for (const [answer, sort] of open) if (sort === 'watch') answer.write(`${line}\n`);
    },
    freeze() {
      frozen = true;
      // Unpiping is not enough: whatever the server still sends must vanish.
      for (const answer of open.keys()) answer.write = () => true;
    },
    thaw() {
      frozen = false;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      upstream.agent.destroy();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

interface Upstream {
  readonly url: string;
  readonly agent: http.Agent;
  readonly security: https.RequestOptions;
}

interface Exchange {
  readonly incoming: http.IncomingMessage;
  readonly answer: http.ServerResponse;
  readonly upstream: Upstream;
}

async function readUpstream(kubeconfigPath: string): Promise<Upstream> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfigPath);
  const security: https.RequestOptions = {};
  await config.applyToHTTPSOptions(security);
  const url = config.getCurrentCluster()?.server ?? '';
  const agent = url.startsWith('https:') ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  return { url, agent, security };
}

function takeFault(injected: Injected[], sort: 'watch' | 'call'): Fault | undefined {
  const next = injected.find(({ on, times }) => times > 0 && (on === 'any' || on === sort));
  if (next !== undefined) next.times -= 1;
  return next?.fault;
}

async function meet(fault: Fault | undefined, exchange: Exchange): Promise<void> {
  const { incoming, answer } = exchange;
  switch (fault?.kind) {
    case undefined:
      return passOn(exchange);
    case 'status':
      return answerStatus(answer, fault);
    case 'close':
      answer.writeHead(200).end();
      return;
    case 'reset':
      incoming.socket.resetAndDestroy();
      return;
    case 'silent':
      return;
    case 'slow':
      await new Promise((resolve) => setTimeout(resolve, fault.seconds * 1000));
      return passOn(exchange);
    case 'line':
      answer.writeHead(200).end(`${fault.line}\n`);
      return;
    case 'truncate':
      return passOn(exchange, fault.bytes);
  }
}

function answerStatus(answer: http.ServerResponse, fault: Extract<Fault, { kind: 'status' }>): void {
  const { status, reason, retryAfterSeconds } = fault;
  const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
  const body = { kind: 'Status', apiVersion: 'v1', status: 'Failure', message: 'injected', reason, code: status };
  answer.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function passOn({ incoming, answer, upstream }: Exchange, maxBytes = Number.POSITIVE_INFINITY): void {
  const { agent, security, url } = upstream;
  const send = url.startsWith('https:') ? https.request : http.request;
  const headers = { ...incoming.headers, ...security.headers };
  const outgoing = send(url + incoming.url, { ...security, agent, method: incoming.method ?? 'GET', headers });
  let left = maxBytes;
  outgoing.on('response', (response) => {
    // A fault that came in between has answered already.
    if (answer.headersSent) {
      outgoing.destroy();
      return;
    }
    answer.writeHead(response.statusCode ?? 502, response.headers);
    answer.flushHeaders();
    response.on('data', (chunk: Buffer) => {
      answer.write(chunk.subarray(0, left));
      left -= chunk.length;
      if (left <= 0) setImmediate(() => incoming.socket.resetAndDestroy());
    });
    response.on('end', () => answer.end());
    response.on('error', () => answer.destroy());
  });
  outgoing.on('error', () => answer.destroy());
  answer.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}

/** The proxy itself speaks plain HTTP and adds the credentials. */
function plainKubeconfig(server: string): string {
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'proxy', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'nobody', user: {} }],
    contexts: [{ name: 'proxy', context: { cluster: 'proxy', user: 'nobody' } }],
    'current-context': 'proxy',
  });
}
