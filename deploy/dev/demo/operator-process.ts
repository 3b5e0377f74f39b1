// The operator as its users run it: the built program, as a process of its own.

import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { lastLines } from '../processes.ts';
import { repositoryDirectory } from '../settings.ts';
import { demoDirectory } from './settings.ts';
import { waitFor } from './wait.ts';

export interface OperatorProcess {
  readonly logPath: string;
  /** Undefined while it runs. */
  readonly ended: () => string | undefined;
  readonly stop: () => Promise<void>;
}

export async function startOperator(options: {
  readonly kubeconfig: string;
  readonly prometheusUrl: string;
  readonly port: number;
}): Promise<OperatorProcess> {
  mkdirSync(demoDirectory, { recursive: true });
  const logPath = path.join(demoDirectory, 'operator.log');
  const log = openSync(logPath, 'w');
  const args = [
    path.join(repositoryDirectory, 'dist', 'operator.js'),
    ...['--kubeconfig', options.kubeconfig, '--prometheus-url', options.prometheusUrl],
    ...['--listen-host', '127.0.0.1', '--listen-port', String(options.port)],
    ...['--read-interval-seconds', '1', '--no-leader-election', '--log-format', 'text'],
  ];
  // A group of its own: Ctrl-C reaches the demo, which ends the operator after its jobs are gone.
  const child = spawn(process.execPath, args, { stdio: ['ignore', log, log], detached: true });
  closeSync(log);
  const ended = () => describeEnd(child, logPath);
  await waitFor('the operator to be ready', 30, async () => {
    const problem = ended();
    if (problem !== undefined) throw new Error(problem);
    const answer = await fetch(`http://127.0.0.1:${options.port}/readyz`).catch(() => undefined);
    return answer?.ok === true;
  }).catch(async (error) => {
    await stop(child);
    throw error;
  });
  return { logPath, ended, stop: () => stop(child) };
}

function describeEnd(child: ChildProcess, logPath: string): string | undefined {
  if (child.exitCode === null && child.signalCode === null) return undefined;
  return `the operator has ended (${child.signalCode ?? child.exitCode}); its log is ${logPath}:\n${lastLines(logPath, 8)}`;
}

async function stop(child: ChildProcess): Promise<void> {
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  if (!isRunning()) return;
  child.kill('SIGTERM');
  for (let wait = 0; wait < 50 && isRunning(); wait++) await sleep(100);
  if (isRunning()) child.kill('SIGKILL');
}
