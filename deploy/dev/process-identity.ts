// Tells one process from a later one that was given the same number: by the moment it started.

import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

export interface ProcessIdentity {
  readonly pid: number;
  readonly startMark: string;
}

export function identityOf(pid: number): ProcessIdentity {
  const startMark = startMarkOf(pid);
  if (startMark === undefined) throw new Error(`process ${pid} ended before it could be recorded`);
  return { pid, startMark };
}

export function isAlive(identity: ProcessIdentity): boolean {
  return startMarkOf(identity.pid) === identity.startMark;
}

// Linux: clock ticks since boot and the boot's own id. Elsewhere: what ps says.
function startMarkOf(pid: number): string | undefined {
  try {
    if (!existsSync('/proc/self/stat')) {
      const text = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
      return text === '' ? undefined : text;
    }
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command, in parentheses, may hold spaces: count fields from its end.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z') return undefined;
    const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return `${bootId}/${fields[19]}`;
  } catch {
    return undefined;
  }
}
