// A real API server for integration tests: the one of STEPWISE_TEST_KUBECONFIG, or one of their own for the whole run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type ApiServer, startApiServer } from '../../deploy/dev/control-plane.ts';

let started: Promise<ApiServer> | undefined;

/** @throws Error that says what to do when no API server can be had */
export async function testKubeconfig(): Promise<string> {
  const given = process.env['STEPWISE_TEST_KUBECONFIG'];
  return given ? given : (await ownApiServer()).kubeconfigPath;
}

/** An API server that a test may stop and start. Shared by the run and ended with it. */
export function ownApiServer(): Promise<ApiServer> {
  started ??= start();
  return started;
}

async function start(): Promise<ApiServer> {
  const directory = mkdtempSync(path.join(tmpdir(), 'api-server-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  try {
    return await startApiServer({ directory });
  } catch (cause) {
    throw new Error(
      `no API server to test against: ${(cause as Error).message}. Run "make cluster-up" once, which builds one, or name a cluster in STEPWISE_TEST_KUBECONFIG`,
      { cause },
    );
  }
}
