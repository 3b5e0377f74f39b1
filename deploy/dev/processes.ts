// Starts programs that outlive this command, remembers them by name, and ends only what it started.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, globSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import { stateDirectory } from './settings.ts';

export interface Program {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

export interface RunningProgram extends Program {
  readonly identity: ProcessIdentity;
  readonly startedAt: string;
  readonly logPath: string;
}

export interface Place {
  readonly state?: string;
}

const graceSeconds = 10;

/**
 * Starts the program unless it already runs; one that runs with other arguments is replaced.
 * The record lets a later command stop or restart it by name.
 */
export async function ensureRunning(program: Program, { state = stateDirectory }: Place = {}): Promise<RunningProgram> {
  const known = readRecord(program.name, state);
  if (known === undefined || !isAlive(known.identity)) return launch(program, state);
  if (isSameCommand(known, program)) return known;
  await end(known, 'SIGTERM');
  return launch(program, state);
}

/** Ends a program by the name it was started under: politely, then after ten seconds by force. */
export async function stopProcess(name: string, { state = stateDirectory }: Place = {}): Promise<void> {
  await end(requireRecord(name, state), 'SIGTERM');
}

/** Ends it at once, as a crash would. */
export async function killProcess(name: string, { state = stateDirectory }: Place = {}): Promise<void> {
  await end(requireRecord(name, state), 'SIGKILL');
}

/** Starts a stopped program again exactly as it was started before. */
export async function startProcess(name: string, { state = stateDirectory }: Place = {}): Promise<RunningProgram> {
  return await ensureRunning(requireRecord(name, state), { state });
}

/** Everything this cluster ever started, in the order of starting. */
export function listProcesses({ state = stateDirectory }: Place = {}): RunningProgram[] {
  const names = globSync('*.json', { cwd: recordsDirectory(state) }).map((file) => path.basename(file, '.json'));
  const known = names.map((name) => readRecord(name, state)).filter((one) => one !== undefined);
  return known.sort((a, b) => a.startedAt.localeCompare(b.startedAt));
}

export function isRunning(program: RunningProgram): boolean {
  return isAlive(program.identity);
}

export function lastLines(logPath: string, count: number): string {
  if (!existsSync(logPath)) return '';
  return readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-count).join('\n');
}

function isSameCommand(one: Program, other: Program): boolean {
  const commandOf = ({ command, args, environment = {} }: Program) => JSON.stringify([command, args, environment]);
  return commandOf(one) === commandOf(other);
}

function launch(program: Program, state: string): RunningProgram {
  const logPath = path.join(state, 'logs', `${program.name}.log`);
  mkdirSync(path.dirname(logPath), { recursive: true });
  mkdirSync(recordsDirectory(state), { recursive: true });
  const log = openSync(logPath, 'a');
  const { name, command, args, environment = {} } = program;
  const child = spawn(command, args, {
    cwd: state,
    env: { PATH: process.env['PATH'], HOME: state, ...environment },
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  child.once('error', () => undefined);
  child.unref();
  if (child.pid === undefined) throw new Error(`cannot start ${name}: ${command} is missing or not executable`);
  const startedAt = new Date().toISOString();
  const record = { name, command, args, environment, identity: identityOf(child.pid), startedAt, logPath };
  const recordPath = path.join(recordsDirectory(state), `${name}.json`);
  writeFileSync(`${recordPath}.new`, JSON.stringify(record, null, 2));
  renameSync(`${recordPath}.new`, recordPath);
  return record;
}

async function end(program: RunningProgram, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (!isAlive(program.identity)) return;
  process.kill(program.identity.pid, signal);
  if (await goneWithin(program, graceSeconds)) return;
  process.kill(program.identity.pid, 'SIGKILL');
  if (!(await goneWithin(program, graceSeconds))) {
    throw new Error(`${program.name} (process ${program.identity.pid}) does not end, even by SIGKILL`);
  }
}

async function goneWithin(program: RunningProgram, seconds: number): Promise<boolean> {
  const giveUpAt = Date.now() + seconds * 1000;
  while (Date.now() < giveUpAt) {
    if (!isAlive(program.identity)) return true;
    await sleep(50);
  }
  return false;
}

function requireRecord(name: string, state: string): RunningProgram {
  const record = readRecord(name, state);
  if (record !== undefined) return record;
  const known = listProcesses({ state }).map((one) => one.name);
  throw new Error(`no program named "${name}" was started here; known are: ${known.join(', ') || 'none'}`);
}

function readRecord(name: string, state: string): RunningProgram | undefined {
  const recordPath = path.join(recordsDirectory(state), `${name}.json`);
  if (!existsSync(recordPath)) return undefined;
  return JSON.parse(readFileSync(recordPath, 'utf8')) as RunningProgram;
}

function recordsDirectory(state: string): string {
  return path.join(state, 'processes');
}
