// Waits for a program to answer; when it dies or stays silent, says which log tells why.

import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, lastLines, type RunningProgram } from './processes.ts';

export interface Probe {
  readonly url: string;
  readonly authority?: string;
  readonly certificate?: string;
  readonly key?: string;
}

const probeTimeoutMilliseconds = 2000;
const pauseMilliseconds = 100;
const shownLogLines = 8;

export async function waitUntilReady(program: RunningProgram, probe: Probe, seconds = 60): Promise<void> {
  await waitUntil({ program, seconds, isReady: async () => (await statusOf(probe)) === 200 });
}

export interface WaitOptions {
  readonly program: RunningProgram;
  readonly seconds: number;
  readonly isReady: () => Promise<boolean>;
}

export async function waitUntil({ program, seconds, isReady }: WaitOptions): Promise<void> {
  const giveUpAt = Date.now() + seconds * 1000;
  while (!(await isReady())) {
    if (!isRunning(program)) throw new Error(explain(program, 'ended while it was starting'));
    if (Date.now() > giveUpAt) throw new Error(explain(program, `was not ready within ${seconds} s`));
    await sleep(pauseMilliseconds);
  }
}

function explain(program: RunningProgram, what: string): string {
  const tail = lastLines(program.logPath, shownLogLines);
  const portInUse = /address already in use/.test(tail)
    ? '\nA port it needs is taken: end the program that holds it, or set STEPWISE_DEV_PORT_BASE to another number.'
    : '';
  return `${program.name} ${what}; its log is ${program.logPath}, which ends with:\n${tail}${portInUse}`;
}

/** The HTTP status, or undefined when nothing answers. */
export function statusOf(probe: Probe): Promise<number | undefined> {
  return new Promise((resolve) => {
    const send = probe.url.startsWith('https:') ? httpsRequest : httpRequest;
    const credentials = {
      ...(probe.authority && { ca: readFileSync(probe.authority) }),
      ...(probe.certificate && { cert: readFileSync(probe.certificate) }),
      ...(probe.key && { key: readFileSync(probe.key) }),
    };
    const sent = send(probe.url, { ...credentials, agent: false, timeout: probeTimeoutMilliseconds }, (reply) => {
      reply.resume();
      resolve(reply.statusCode);
    });
    sent.once('timeout', () => sent.destroy());
    sent.once('error', () => resolve(undefined));
    sent.end();
  });
}
