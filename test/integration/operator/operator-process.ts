// The operator as its users run it: a process of its own against a real API server, with a Prometheus that knows no job.
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { takeFreePorts } from '../../../deploy/dev/free-ports.ts';

const main = path.join(import.meta.dirname, '../../../src/operator/main.ts');

export interface RunningOperator {
  readonly identity: string;
  readonly url: string;
  readonly lines: string[];
  /** Sends SIGTERM; resolves with the exit code and the seconds it took. */
  stop(): Promise<{ code: number | null; seconds: number }>;
}

const started = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of started) child.kill('SIGKILL');
});

export async function startOperator(options: {
  readonly kubeconfigPath: string;
  readonly namespace: string;
  readonly identity: string;
  readonly prometheusUrl: string;
}): Promise<RunningOperator> {
  const { kubeconfigPath, namespace, identity, prometheusUrl } = options;
  const [port] = (await takeFreePorts(1)) as [number];
  const args = ['--kubeconfig', kubeconfigPath, '--namespace', namespace, '--identity', identity];
  args.push('--prometheus-url', prometheusUrl, '--listen-host', '127.0.0.1', '--listen-port', String(port));
  args.push('--read-interval-seconds', '1', '--log-level', 'debug');
  const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.add(child);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  void ended.then(() => started.delete(child));
  const lines: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => lines.push(...text.split('\n').filter(Boolean)));
  }
  return {
    identity,
    url: `http://127.0.0.1:${port}`,
    lines,
    async stop() {
      const since = performance.now();
      child.kill('SIGTERM');
      const code = await ended;
      return { code, seconds: (performance.now() - since) / 1000 };
    },
  };
}

/** Answers every query with an empty vector. */
export async function startEmptyPrometheus(): Promise<{ readonly url: string; close(): void }> {
  const answer = JSON.stringify({ status: 'success', data: { resultType: 'vector', result: [] } });
  const server: Server = createServer((_, response) => response.end(answer));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
