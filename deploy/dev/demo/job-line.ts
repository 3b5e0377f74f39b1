// What the demo shows of one job, gathered from its status and from the bill.

import type { TrainingJobObject } from '../../../src/controllers/kinds.ts';
import type { Bill } from './billing.ts';
import { TIME_LAPSE } from './settings.ts';

export interface JobLine {
  readonly name: string;
  readonly state: string;
  readonly workers: string;
  readonly gpus: string;
  readonly batch: string;
  readonly samplesPerSecond: string;
  readonly progress: string;
  readonly ratePerHour: string;
  readonly cost: string;
  readonly costToTarget: string;
  readonly decision: string;
}

/** Rates are told in the job's own time, as if there were no time-lapse. What is not known is a dash. */
export function jobLine(job: TrainingJobObject, bill: Bill): JobLine {
  const status = job.status ?? {};
  const last = status.decisions?.at(-1);
  const ended = status.state === 'Complete' || status.state === 'Failed';
  const runs = status.state === 'Running';
  const percent = status.progress?.percent;
  return {
    name: job.metadata.name,
    state: status.state ?? 'New',
    workers: status.workers ?? '–',
    gpus: status.gpus === undefined ? '–' : String(status.gpus),
    batch: status.batch === undefined ? '–' : String(status.batch.globalBatchSize),
    samplesPerSecond: runs
      ? decimal(status.progress?.samplesPerSecond, (value) => (value / TIME_LAPSE).toFixed(0))
      : '–',
    progress: status.state === 'Complete' ? '100%' : percent === undefined ? '–' : `${percent}%`,
    ratePerHour: ended || bill.usdPerHour === 0 ? '–' : dollars(bill.usdPerHour / TIME_LAPSE),
    cost: dollars(bill.machinesUsd),
    costToTarget: ended ? '–' : decimal(status.cost?.toTarget?.value, dollars),
    decision: last === undefined ? 'waiting for its nodes' : last.message,
  };
}

export function dollars(usd: number): string {
  return `$${usd.toFixed(2)}`;
}

function decimal(text: string | undefined, write: (value: number) => string): string {
  const value = Number(text ?? Number.NaN);
  return Number.isFinite(value) ? write(value) : '–';
}
