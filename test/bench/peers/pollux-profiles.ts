import path from 'node:path';
import { type CsvRow, readCsv } from '../../../src/simulator/traces/csv.ts';
import type { Measurements, PerfParams, PolluxJob } from './pollux-policy.ts';

/** Where the measurements of the field are: given by STEPWISE_DATA, or beside the repository. */
export const DATA = path.resolve(process.env['STEPWISE_DATA'] ?? '../shared/data');

/** The bounds that the authors set, smallest to largest global batch. */
export const APPLICATIONS: Readonly<Record<string, readonly [number, number]>> = {
  bert: [12, 384],
  cifar10: [128, 4096],
  deepspeech2: [20, 640],
  imagenet: [200, 12_800],
};

export interface PolluxProfile {
  readonly application: string;
  readonly perfParams: PerfParams;
  readonly gradParams: { readonly sqr: number; readonly var: number };
  readonly initBatchSize: number;
  readonly maxBatchSize: number;
  /** The batches that were measured on one GPU; what was not measured did not fit its memory. */
  readonly localBatchSizeBounds: readonly [number, number];
}

const STEP_COLUMNS = ['local_bsz', 'step_time', 'sync_time'];

/** All measured steps of an application on T4 GPUs, in the form that the authors fit. */
export function measurementsOf(application: string): Measurements {
  const placements = rows(`${application}/placements.csv`, ['placement', ...STEP_COLUMNS]).map((row) => {
    const perNode = [...row.text('placement')].map(Number);
    return { nodes: perNode.length, replicas: perNode.reduce((sum, gpus) => sum + gpus, 0), row };
  });
  const scalability = rows(`${application}/scalability.csv`, ['num_nodes', 'num_replicas', ...STEP_COLUMNS]).map(
    (row) => ({ nodes: row.number('num_nodes'), replicas: row.number('num_replicas'), row }),
  );
  const all = [...placements, ...scalability];
  return {
    nodes: all.map(({ nodes }) => nodes),
    replicas: all.map(({ replicas }) => replicas),
    localBatchSize: all.map(({ row }) => row.number('local_bsz')),
    computeSeconds: all.map(({ row }) => row.number('step_time') - row.number('sync_time')),
    stepSeconds: all.map(({ row }) => row.number('step_time')),
  };
}

/** Gradient statistics half-way through the run at the smallest batch: neither the noise of the start nor that of the end. */
export function gradientsHalfWay(application: string, initBatchSize: number): PolluxProfile['gradParams'] {
  const epochs = rows(`${application}/validation-${initBatchSize}.csv`, ['grad_sqr', 'grad_var']);
  const half = epochs[Math.floor(epochs.length / 2)];
  if (half === undefined) throw new Error(`${application}/validation-${initBatchSize}.csv has no rows`);
  return { sqr: half.number('grad_sqr'), var: half.number('grad_var') };
}

export function profileOf(application: string, perfParams: PerfParams): PolluxProfile {
  const bounds = APPLICATIONS[application];
  if (bounds === undefined)
    throw new Error(`no application ${application}; there are ${Object.keys(APPLICATIONS).join(', ')}`);
  const local = measurementsOf(application).localBatchSize;
  const [initBatchSize, maxBatchSize] = bounds;
  return {
    application,
    perfParams,
    gradParams: gradientsHalfWay(application, initBatchSize),
    initBatchSize,
    maxBatchSize,
    localBatchSizeBounds: [Math.min(...local), Math.max(...local)],
  };
}

/** A job of this application that has been profiled on as many GPUs as `maxReplicas` is twice of. */
export function aPolluxJob(
  profile: PolluxProfile,
  name: string,
  createdAtSeconds: number,
  maxReplicas: number,
): PolluxJob {
  const { perfParams, gradParams, initBatchSize, maxBatchSize, localBatchSizeBounds } = profile;
  const batch = { initBatchSize, maxBatchSize, localBatchSizeBounds, gradientAccumulation: true };
  return { name, perfParams, gradParams, ...batch, minReplicas: 0, maxReplicas, createdAtSeconds };
}

function rows(file: string, columns: readonly string[]): readonly CsvRow[] {
  return readCsv(path.join(DATA, 'pollux/traces', file), columns).rows;
}
