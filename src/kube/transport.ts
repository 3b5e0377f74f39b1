// The wire: client-node reads kubeconfigs, credentials and TLS material; node:https carries the bytes.
//
// client-node 2.0.1's own calls are not used for two reasons found in its source: every request builds a new
// undici Agent, hence a new TCP and TLS handshake per call, and HTTP/2 puts all watches on one connection, so
// that one silent half-open connection stops everything. Here each watch has its own connection, calls share a
// keep-alive pool, and aborting a request closes its socket.
import * as http from 'node:http';
import * as https from 'node:https';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeError } from './kube-error.ts';

interface WireRequest {
  readonly method: string;
  /** With query, beginning with `/api` or `/apis`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly signal: AbortSignal;
}

export interface Transport {
  readonly server: string;
  readonly defaultNamespace: string;
  /** Resolves on the response's headers. @throws Error from the socket, or the signal's reason */
  open(request: WireRequest): Promise<http.IncomingMessage>;
  close(): void;
}

export interface TransportOptions {
  readonly kubeconfigPath?: string | undefined;
  readonly context?: string | undefined;
  readonly userAgent: string;
}

/** Idle sockets are probed from this age on: below the 60 s after which load balancers forget them. */
const KEEP_ALIVE_MILLISECONDS = 30_000;
const RELOAD_PAUSE_MILLISECONDS = 5_000;

/** @throws Error naming the file or variable when there is no usable configuration */
export function openTransport(options: TransportOptions): Transport {
  let config = loadConfig(options);
  let reloadedAt = Number.NEGATIVE_INFINITY;
  const cluster = clusterOf(config);
  const agents = {
    'http:': new http.Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MILLISECONDS }),
    'https:': new https.Agent({ keepAlive: true, keepAliveMsecs: KEEP_ALIVE_MILLISECONDS }),
  };

  const openOnce = async (request: WireRequest) => {
    const url = new URL(cluster.server.replace(/\/+$/, '') + request.path);
    // Every call, because tokens, client certificates and the CA file rotate.
    const security: https.RequestOptions = {};
    await config.applyToHTTPSOptions(security);
    const agent = cluster.proxyUrl ? security.agent : agents[url.protocol === 'http:' ? 'http:' : 'https:'];
    return sendRequest(url, { ...security, agent }, request, options.userAgent);
  };

  return {
    server: cluster.server,
    defaultNamespace: config.getContextObject(config.getCurrentContext())?.namespace ?? 'default',
    async open(request) {
      const response = await openOnce(request);
      const mayReload = performance.now() - reloadedAt > RELOAD_PAUSE_MILLISECONDS;
      if (response.statusCode !== 401 || !mayReload) return response;
      // A rotated token may still be cached for up to a minute: read everything again, once.
      response.resume();
      config = loadConfig(options);
      reloadedAt = performance.now();
      return openOnce(request);
    },
    close() {
      agents['http:'].destroy();
      agents['https:'].destroy();
    },
  };
}

function loadConfig({ kubeconfigPath, context }: TransportOptions): KubeConfig {
  const config = new KubeConfig();
  try {
    if (kubeconfigPath) config.loadFromFile(kubeconfigPath);
    else config.loadFromDefault();
  } catch (cause) {
    throw new Error(`kubeconfig ${kubeconfigPath ?? 'from KUBECONFIG or the home folder'} cannot be read`, { cause });
  }
  // client-node falls back to this address when it found neither kubeconfig nor service account.
  if (!kubeconfigPath && config.getCurrentCluster()?.server === 'http://localhost:8080') {
    throw new Error('no Kubernetes configuration: set KUBECONFIG, or run in a pod with a service account');
  }
  // client-node refuses plain HTTP (kubectl proxy) without this, though there is no TLS to verify.
  config.clusters = config.clusters.map((cluster) =>
    cluster.server.startsWith('http:') ? { ...cluster, skipTLSVerify: true } : cluster,
  );
  if (context !== undefined) {
    if (config.getContextObject(context) === null) {
      const known = config.getContexts().map(({ name }) => name);
      throw new Error(`kubeconfig has no context "${context}"; it has ${known.join(', ') || 'none'}`);
    }
    config.setCurrentContext(context);
  }
  return config;
}

function clusterOf(config: KubeConfig) {
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(`kubeconfig context "${config.getCurrentContext()}" names no known cluster`);
  }
  return cluster;
}

function sendRequest(url: URL, security: https.RequestOptions, request: WireRequest, userAgent: string) {
  return new Promise<http.IncomingMessage>((resolve, reject) => {
    const headers: Record<string, string | number> = {
      accept: 'application/json',
      'user-agent': userAgent,
      ...(security.headers as Record<string, string> | undefined),
      ...request.headers,
    };
    if (request.body !== undefined) headers['content-length'] = Buffer.byteLength(request.body);
    const send = url.protocol === 'http:' ? http.request : https.request;
    const outgoing = send(url, { ...security, method: request.method, headers, signal: request.signal });
    outgoing.on('response', resolve);
    outgoing.on('error', reject);
    outgoing.end(request.body);
  });
}

/** @throws the socket's error when the body ends early */
export async function readText(response: http.IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

/** One parsed JSON value per line. @throws KubeError `UnreadableResponse` on a line that is none */
export async function* readJsonLines(response: http.IncomingMessage): AsyncGenerator<unknown> {
  response.setEncoding('utf8');
  let rest: string[] = [];
  for await (const chunk of response) {
    const lines = (chunk as string).split('\n');
    // Pieces are joined once a line is whole: an object of a megabyte comes in many chunks.
    rest.push(lines.shift() ?? '');
    for (const line of lines) {
      const whole = rest.join('');
      rest = [line];
      if (whole.trim() !== '') yield parseLine(whole);
    }
  }
  const last = rest.join('');
  if (last.trim() !== '') yield parseLine(last);
}

function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch (cause) {
    const message = `the watch sent a line that is not JSON: ${line.slice(0, 80)}`;
    throw new KubeError({ reason: 'UnreadableResponse', message, cause });
  }
}
