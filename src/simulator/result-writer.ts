import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { InputError } from './input-error.ts';
import { renderReport } from './report/report.ts';
import type { SimulationResult, Totals } from './result.ts';

export interface WrittenFiles {
  readonly result: string;
  readonly report: string;
}

/** Makes the folder if need be, so that one that cannot be written to is told before a long run, not after it. */
export function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
    accessSync(folder, constants.W_OK);
  } catch (error) {
    throw new InputError(`--out ${folder} cannot be written to; name a folder that can be made or written to`, {
      cause: error,
    });
  }
}

/** Writes `result.json` and `report.html` into the folder. */
export function writeResult(result: SimulationResult, folder: string): WrittenFiles {
  const files = { result: path.join(folder, 'result.json'), report: path.join(folder, 'report.html') };
  writeFileSync(files.result, `${JSON.stringify(result)}\n`);
  writeFileSync(files.report, renderReport(result));
  return files;
}

/** The totals, and where the rest is written, as a short table for people. */
export function summaryOf({ scenario, totals }: SimulationResult, files: WrittenFiles): string {
  const rows: readonly (readonly [string, string])[] = [
    ['policy', scenario.policy],
    ['jobs finished', `${totals.finished} of ${totals.jobs}${refusedOf(totals)}`],
    ['GPU-hours', totals.gpuHours.toFixed(1)],
    ['GPU-hours of nodes paid for', totals.nodeBilledGpuHours.toFixed(1)],
    ['cost', `${totals.cost.toFixed(2)} ${scenario.currency}`],
    ['energy', `${totals.energyKwh.toFixed(1)} kWh`],
    ['CO2e', totals.co2eKg === undefined ? 'unknown: no carbon intensity' : `${totals.co2eKg.toFixed(2)} kg`],
    ['mean completion', totals.finished === 0 ? 'no job finished' : `${totals.meanCompletionSeconds.toFixed(0)} s`],
    ['late', `${totals.late}`],
    ['rescales a job', (totals.rescales / Math.max(1, totals.jobs)).toFixed(2)],
    ['result', files.result],
    ['report', files.report],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function refusedOf({ refused }: Totals): string {
  return refused === 0 ? '' : `, ${refused} refused`;
}
