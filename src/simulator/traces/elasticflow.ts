import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../input-error.ts';
import type { Scenario } from '../scenario.ts';
import { MeasuredCurve } from '../world/measured-curve.ts';
import { ranksOf } from '../world/training-run.ts';
import type { Course, TrainingWorld } from '../world/training-world.ts';
import type { ArrivingJob } from './arriving-job.ts';
import { type CsvRow, readCsv } from './csv.ts';

/** Steps per second by number of GPUs, at one global batch. */
type Speed = ReadonlyMap<number, number>;

/**
 * Jobs in the form of microsoft/elasticflow-traces: fixed batch, so many steps, an absolute deadline. Step times from a
 * folder with a table for each model: steps per second by global batch (rows) and GPUs (columns); where the GPUs stand
 * was not measured and does not matter.
 */
export function readElasticFlowJobs({ file, profiles, onlyProfiled }: Scenario['jobs']): readonly ArrivingJob[] {
  const columns = ['job_id', 'submission_time', 'num_iteration', 'model_name', 'deadline', 'batch_size', 'num_gpu'];
  const isProfiled = (row: CsvRow) => existsSync(path.join(profiles, `${row.text('model_name')}.csv`));
  const rows = readCsv(file, columns).rows.filter((row) => !onlyProfiled || isProfiled(row));
  const start = Math.min(...rows.map((row) => row.number('submission_time')));
  const tables = new Map<string, ReadonlyMap<number, Speed>>();
  return rows
    .map((row) => {
      const model = row.text('model_name');
      const table = tables.get(model) ?? readTable(path.join(profiles, `${model}.csv`));
      tables.set(model, table);
      const globalBatchSize = row.number('batch_size');
      const speed = table.get(globalBatchSize);
      if (speed === undefined || speed.size === 0) {
        const batches = [...table.keys()].join(', ');
        throw new InputError(`${profiles}/${model}.csv has no line for batch ${globalBatchSize}; it has ${batches}`);
      }
      return {
        name: row.text('job_id'),
        world: fixedBatchWorld(model, globalBatchSize, row.number('num_iteration'), speed),
        submittedAt: row.number('submission_time') - start,
        deadline: row.number('deadline') - start,
        requested: { gpus: row.number('num_gpu'), globalBatchSize },
        profiled: [...speed].map(([gpus, stepsPerSecond]) => {
          return { gpus, samplesPerSecond: stepsPerSecond * globalBatchSize };
        }),
        batchIsFree: false,
      };
    })
    .sort((one, other) => one.submittedAt - other.submittedAt);
}

function readTable(file: string): ReadonlyMap<number, Speed> {
  const { columns, rows } = readCsv(file, ['global_batch_size']);
  const counts = columns.filter((name) => /^\d+$/.test(name));
  return new Map(
    rows.map((row) => {
      const measured = counts.flatMap((count): readonly (readonly [number, number])[] => {
        // Empty and 0 both stand for a count that was not measured.
        const stepsPerSecond = row.optionalNumber(count);
        return stepsPerSecond !== undefined && stepsPerSecond > 0 ? [[Number(count), stepsPerSecond]] : [];
      });
      return [row.number('global_batch_size'), new Map(measured)];
    }),
  );
}

function fixedBatchWorld(application: string, batch: number, steps: number, speed: Speed): TrainingWorld {
  const curve = new MeasuredCurve([...speed]);
  const most = Math.max(...speed.keys());
  const course: Course = {
    steps,
    stepsAt: (share) => share * steps,
    shareAt: (done) => done / steps,
    gradients: () => undefined,
  };
  return {
    application,
    referenceBatchSize: batch,
    maxGlobalBatchSize: batch,
    minMicroBatchSize: 1,
    maxMicroBatchSize: batch,
    maxGpus: most,
    measuredBatchSizes: [batch],
    course: () => course,
    stepSeconds(layout) {
      const total = 1 / curve.at(Math.min(most, ranksOf(layout)));
      return { total, compute: total, synchronization: 0 };
    },
  };
}
