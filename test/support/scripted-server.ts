// A plain HTTP server that answers by script and remembers what it was asked.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import * as http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** An object is sent as JSON. */
  readonly body?: unknown;
  /** `reset` drops the connection; `never` leaves the request without answer; `stall` sends headers and half a body. */
  readonly fail?: 'reset' | 'never' | 'stall';
}

export interface ScriptedServer {
  readonly asked: Asked[];
  readonly connections: () => number;
  /** Answers in order; the last one stays. */
  answer(...answers: Answer[]): void;
  /** A kubeconfig file for this server with this user. */
  kubeconfig(user?: object, pathPrefix?: string): string;
  readonly folder: string;
  close(): Promise<void>;
}

export async function startScriptedServer(): Promise<ScriptedServer> {
  const asked: Asked[] = [];
  let script: Answer[] = [{ body: {} }];
  let connections = 0;
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const { method = '', url = '', headers } = incoming;
    asked.push({ method, url, headers, body: Buffer.concat(chunks).toString() });
    const answer = (script.length > 1 ? script.shift() : script[0]) ?? {};
    give(answer, outgoing);
  });
  server.on('connection', () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = mkdtempSync(path.join(tmpdir(), 'scripted-server-'));
  return {
    asked,
    folder,
    connections: () => connections,
    answer: (...answers) => {
      script = answers;
    },
    kubeconfig(user = {}, pathPrefix = '') {
      const file = path.join(folder, 'kubeconfig');
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster: { server: url + pathPrefix } }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u', namespace: 'mine' } }],
        'current-context': 'x',
      };
      writeFileSync(file, JSON.stringify(config));
      return file;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      rmSync(folder, { recursive: true });
    },
  };
}

function give(answer: Answer, outgoing: http.ServerResponse): void {
  if (answer.fail === 'never') return;
  if (answer.fail === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  if (answer.fail === 'stall') {
    outgoing.writeHead(200).write('{"half":');
    return;
  }
  const text = typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body ?? {});
  outgoing.writeHead(answer.status ?? 200, answer.headers).end(text);
}
