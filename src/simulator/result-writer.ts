import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { SimulationResult, Totals } from './result.ts';

/** Writes `result.json` into the folder, which is made if need be. */
export function writeResult(result: SimulationResult, folder: string): void {
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, 'result.json'), `${JSON.stringify(result)}\n`);
}

/** The totals as a short table for people. */
export function summaryOf({ scenario, totals }: SimulationResult): string {
  const rows: readonly (readonly [string, string])[] = [
    ['policy', scenario.policy],
    ['jobs finished', `${totals.finished} of ${totals.jobs}${refusedOf(totals)}`],
    ['GPU-hours', totals.gpuHours.toFixed(1)],
    ['GPU-hours of nodes paid for', totals.nodeBilledGpuHours.toFixed(1)],
    ['cost', `${totals.cost.toFixed(2)} ${scenario.currency}`],
    ['energy', `${totals.energyKwh.toFixed(1)} kWh`],
    ['CO2e', `${totals.co2eKg.toFixed(2)} kg`],
    ['mean completion', `${totals.meanCompletionSeconds.toFixed(0)} s`],
    ['late', `${totals.late}`],
    ['rescales a job', (totals.rescales / Math.max(1, totals.jobs)).toFixed(2)],
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n');
}

function refusedOf({ refused }: Totals): string {
  return refused === 0 ? '' : `, ${refused} refused`;
}
