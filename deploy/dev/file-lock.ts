// A lock between processes: a file that names its holder, given up when the holder is gone.

import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.ts';
import type { Report } from './progress.ts';

export interface LockOptions {
  readonly path: string;
  readonly waitSeconds: number;
  readonly report: Report;
}

export async function withFileLock<T>(options: LockOptions, work: () => Promise<T>): Promise<T> {
  await acquire(options);
  try {
    return await work();
  } finally {
    rmSync(options.path, { force: true });
  }
}

async function acquire(options: LockOptions): Promise<void> {
  mkdirSync(path.dirname(options.path), { recursive: true });
  const giveUpAt = Date.now() + options.waitSeconds * 1000;
  let told = false;
  while (!tryCreate(options.path)) {
    const holder = readHolder(options.path);
    if (holder === undefined || !isAlive(holder)) {
      rmSync(options.path, { force: true });
      continue;
    }
    if (Date.now() > giveUpAt) {
      throw new Error(`process ${holder.pid} holds ${options.path} since ${options.waitSeconds} s; end it or wait`);
    }
    if (!told) options.report(`  waiting for process ${holder.pid}, which holds ${options.path}`);
    told = true;
    await sleep(500);
  }
}

// Written aside and linked into place, so that no one ever reads a lock without its holder.
function tryCreate(lockPath: string): boolean {
  const draft = `${lockPath}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(identityOf(process.pid)));
  try {
    linkSync(draft, lockPath);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw new Error(`cannot create the lock ${lockPath}`, { cause: error });
  } finally {
    rmSync(draft, { force: true });
  }
}

function readHolder(lockPath: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(lockPath, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
