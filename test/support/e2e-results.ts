// Figures for people and programs: .dev/results/NAME.json, kept up to date also when an assertion fails later.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repositoryDirectory } from '../../deploy/dev/settings.ts';

const folder = path.join(repositoryDirectory, '.dev', 'results');

/** Writes one entry of a result file; the others stay as they are. */
export function record(name: string, entry: string, figures: unknown): void {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, `${name}.json`);
  const before = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>) : {};
  const after = { ...before, [entry]: figures, writtenAt: new Date().toISOString() };
  writeFileSync(file, `${JSON.stringify(after, undefined, 2)}\n`);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Linear between the two nearest; NaN of nothing. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}

export function round(value: number, digits = 3): number {
  return Number(value.toFixed(digits));
}
