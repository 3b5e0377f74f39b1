// Runs one command of the host to its end.

import { spawnSync } from 'node:child_process';

export function runHost(command: string, args: readonly string[], environment: Record<string, string> = {}): string {
  const done = tryHost(command, args, environment);
  if (done.code !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${done.stderr.trim()}`);
  return done.stdout;
}

export interface HostResult {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export function tryHost(
  command: string,
  args: readonly string[],
  environment: Record<string, string> = {},
): HostResult {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    env: { ...process.env, ...environment },
    maxBuffer: 64 * 1024 * 1024,
  });
  return { code: done.status, stdout: done.stdout ?? '', stderr: done.stderr || (done.error?.message ?? '') };
}
