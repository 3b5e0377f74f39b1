// The figures of the last run, kept for people, for CI and for the next run.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { resultPath } from './settings.ts';
import type { Outcome, Verdict } from './summary.ts';

export interface Results {
  readonly at: string;
  readonly cluster: 'local' | 'given';
  readonly timeLapse: number;
  readonly seconds: {
    readonly install: number;
    readonly build: number;
    readonly start: number;
    readonly run: number;
    readonly total: number;
  };
  /** Time without steps of the shortest resize. */
  readonly restartSeconds: number;
  readonly outcomes: readonly Outcome[];
  readonly verdict: Verdict;
  readonly decisions: Readonly<Record<string, unknown>>;
}

/** Measured on simulated nodes; used until a run has measured its own. */
const FIRST_RESTART_SECONDS = 10;

/** What a resize took in the last run, so that the next one knows it from the start. */
export function knownRestartSeconds(): number {
  if (!existsSync(resultPath)) return FIRST_RESTART_SECONDS;
  const { restartSeconds } = JSON.parse(readFileSync(resultPath, 'utf8')) as Partial<Results>;
  return typeof restartSeconds === 'number' && restartSeconds > 0 ? restartSeconds : FIRST_RESTART_SECONDS;
}

export function keepResults(results: Results): void {
  mkdirSync(path.dirname(resultPath), { recursive: true });
  writeFileSync(resultPath, `${JSON.stringify(results, undefined, 2)}\n`);
}
