// The operator as a child process, started as it is in a cluster, killed as crashes do.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isPortFree } from '../../deploy/dev/free-ports.ts';
import { kubeconfigPath, ports, repositoryDirectory } from '../../deploy/dev/settings.ts';

const READY_SECONDS = 30;

export interface OperatorOptions {
  /** Name of the log, .dev/e2e/NAME.log. */
  readonly log: string;
  readonly readIntervalSeconds?: number;
}

export class OperatorProcess {
  readonly #options: OperatorOptions;
  #child: ChildProcess | undefined;

  constructor(options: OperatorOptions) {
    this.#options = options;
  }

  /** Resolves when it has read what is in the cluster. */
  async start(): Promise<this> {
    const folder = path.join(repositoryDirectory, '.dev', 'e2e');
    mkdirSync(folder, { recursive: true });
    // Another one would answer for ours, and the two would work against each other.
    if (!(await isPortFree(ports.operatorMetrics))) {
      throw new Error(`port ${ports.operatorMetrics} is taken: another operator runs here; end it first`);
    }
    const log = openSync(path.join(folder, `${this.#options.log}.log`), 'a');
    const child = spawn(process.execPath, [path.join(repositoryDirectory, 'dist', 'operator.js'), ...this.#flags()], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    await this.#ready(child);
    return this;
  }

  /** SIGTERM, as a rollout does. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** SIGKILL, as a crash: nothing is finished or said. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  #flags(): string[] {
    return [
      `--kubeconfig=${kubeconfigPath}`,
      `--prometheus-url=http://127.0.0.1:${ports.prometheus}`,
      `--read-interval-seconds=${this.#options.readIntervalSeconds ?? 2}`,
      '--listen-host=127.0.0.1',
      `--listen-port=${ports.operatorMetrics}`,
      '--no-leader-election',
      '--log-level=debug',
    ];
  }

  async #ready(child: ChildProcess): Promise<void> {
    const url = `http://127.0.0.1:${ports.operatorMetrics}/readyz`;
    const giveUpAt = Date.now() + READY_SECONDS * 1000;
    while (Date.now() < giveUpAt) {
      if (child.exitCode !== null)
        throw new Error(`the operator ended with ${child.exitCode}; see .dev/e2e/${this.#options.log}.log`);
      const answer = await fetch(url).catch(() => undefined);
      if (answer?.ok) return;
      await sleep(50);
    }
    throw new Error(`the operator is not ready after ${READY_SECONDS} s; see .dev/e2e/${this.#options.log}.log`);
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}
