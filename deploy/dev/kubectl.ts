// Calls the cluster's own kubectl, the one built beside its API server.

import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { toolPath } from './build.ts';
import { kubeconfigPath } from './settings.ts';

export interface KubectlResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface KubectlOptions {
  readonly kubeconfig?: string;
  readonly input?: string;
}

/** For the API server to take a definition up. */
const CRD_SECONDS = 60;

/** Runs kubectl and returns what it printed; fails when kubectl fails. */
export async function kubectl(args: readonly string[], options: KubectlOptions = {}): Promise<string> {
  const result = await tryKubectl(args, options);
  if (result.code !== 0) throw new Error(`kubectl ${args.join(' ')} failed: ${result.stderr.trim()}`);
  return result.stdout;
}

export function tryKubectl(args: readonly string[], options: KubectlOptions = {}): Promise<KubectlResult> {
  const { kubeconfig = kubeconfigPath, input } = options;
  const child = spawn(toolPath('kubectl'), [`--kubeconfig=${kubeconfig}`, ...args]);
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  child.stdin.end(input ?? '');
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** Applies files or folders of manifests. */
export async function applyFiles(paths: readonly string[]): Promise<void> {
  const files = paths.map((one) => `--filename=${one}`);
  await kubectl(['apply', '--server-side', '--force-conflicts', '--field-manager=stepwise-dev', ...files]);
}

/** Creates what does not exist yet; what does is left as it was changed since, such as a pool's size. */
export async function createMissing(file: string): Promise<void> {
  const { code, stderr } = await tryKubectl(['create', `--filename=${file}`]);
  const complaints = stderr.split('\n').filter((line) => line !== '' && !line.includes('AlreadyExists'));
  if (code !== 0 && complaints.length > 0)
    throw new Error(`cannot create what ${file} holds: ${complaints.join('\n')}`);
}

export async function waitForCrds(names: readonly string[]): Promise<void> {
  const wait = [
    'wait',
    '--for=condition=Established',
    `--timeout=${CRD_SECONDS}s`,
    ...names.map((name) => `crd/${name}`),
  ];
  const giveUpAt = Date.now() + CRD_SECONDS * 1000;
  // On a definition that has no conditions yet, kubectl gives up at once instead of waiting for them.
  for (;;) {
    const { code, stderr } = await tryKubectl(wait);
    if (code === 0) return;
    if (!stderr.includes('conditions accessor') || Date.now() > giveUpAt) {
      throw new Error(`kubectl ${wait.join(' ')} failed: ${stderr.trim()}`);
    }
    await sleep(200);
  }
}
