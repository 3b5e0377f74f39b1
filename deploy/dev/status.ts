// Which parts of the cluster run, since when, with how much memory, and where their logs are.

import { existsSync, readFileSync } from 'node:fs';
import { isRunning, listProcesses, type RunningProgram } from './processes.ts';
import type { Report } from './progress.ts';
import { kubeconfigPath, ports } from './settings.ts';

export async function printStatus(report: Report): Promise<void> {
  const programs = listProcesses();
  if (programs.length === 0) return report('No local cluster is up; `make cluster-up` starts one.');
  report(row(['PART', 'STATE', 'PROCESS', 'SINCE', 'MEMORY', 'LOG']));
  for (const program of programs) report(describe(program));
  report(`\nKUBECONFIG=${kubeconfigPath}   Prometheus http://127.0.0.1:${ports.prometheus}`);
}

function describe(program: RunningProgram): string {
  const { pid } = program.identity;
  if (!isRunning(program)) return row([program.name, 'ended', '-', '-', '-', program.logPath]);
  return row([program.name, 'running', String(pid), program.startedAt, memoryOf(pid), program.logPath]);
}

const widths = [24, 8, 8, 25, 9, 0];

function row(cells: readonly string[]): string {
  return cells
    .map((cell, index) => cell.padEnd(widths[index] ?? 0))
    .join(' ')
    .trimEnd();
}

function memoryOf(pid: number): string {
  if (!existsSync(`/proc/${pid}/status`)) return '?';
  const kibibytes = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return kibibytes === undefined ? '?' : `${Math.round(Number(kibibytes) / 1024)} MiB`;
}
