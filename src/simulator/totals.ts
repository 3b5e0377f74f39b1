import type { Account } from './cluster/ledger.ts';
import type { JobResult, Totals } from './result.ts';

const SECONDS_PER_HOUR = 3600;

/** Figures of the whole fleet. Cost, energy and carbon are the pools' bill, with what no job used. */
export function totalsOf(jobs: readonly JobResult[], bill: Account, simulatedSeconds: number): Totals {
  const finished = jobs.filter((job) => job.finishedAt !== undefined);
  const completions = finished.map((job) => (job.finishedAt ?? Number.NaN) - job.submittedAt);
  const lateness = jobs.flatMap((job) => latenessShare(job, simulatedSeconds) ?? []);
  return {
    jobs: jobs.length,
    finished: finished.length,
    late: lateness.filter((share) => share > 0).length,
    refused: jobs.filter((job) => job.refused).length,
    gpuHours: bill.gpuSeconds / SECONDS_PER_HOUR,
    nodeBilledGpuHours: bill.nodeBilledGpuSeconds / SECONDS_PER_HOUR,
    cost: bill.cost,
    energyKwh: bill.energyKwh,
    co2eKg: bill.co2eKg,
    meanCompletionSeconds: completions.reduce((sum, value) => sum + value, 0) / Math.max(1, completions.length),
    rescales: jobs.reduce((sum, job) => sum + job.rescales, 0),
    batchChanges: jobs.reduce((sum, job) => sum + job.batchChanges, 0),
    latenessShare95: quantile(lateness, 0.95),
    simulatedSeconds,
  };
}

/** Lateness ÷ (deadline − submission); 0 in time. Undefined without a deadline, or when refused. */
function latenessShare(job: JobResult, endedAt: number): number | undefined {
  const { deadline, finishedAt, submittedAt, refused } = job;
  if (deadline === undefined || refused) return undefined;
  return Math.max(0, (finishedAt ?? Math.max(endedAt, deadline)) - deadline) / (deadline - submittedAt);
}

/** Nearest rank; 0 of none. */
function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
