import { readdirSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../input-error.ts';
import { MeasuredCourses, type MeasuredRun } from '../world/measured-courses.ts';
import { type MeasuredStep, type PassSeconds, StepTimes } from '../world/step-times.ts';
import type { TrainingWorld, WorldLayout } from '../world/training-world.ts';
import { readCsv } from './csv.ts';

/**
 * The world of one application, from a folder in the form published with Pollux (Qiao et al., OSDI 2021):
 * placements.csv (GPUs per node as digits), scalability.csv and validation-B.csv for each batch B trained with.
 */
export function readPolluxProfile(folder: string): TrainingWorld {
  const steps = [...readPlacements(folder), ...readScalability(folder)];
  const times = new StepTimes(steps);
  const courses = new MeasuredCourses(readRuns(folder));
  const batches = courses.batchSizes;
  const microBatches = steps.map((step) => step.microBatchSize);
  const known = new Map<string, PassSeconds>();
  return {
    application: path.basename(folder),
    referenceBatchSize: batches[0] ?? Number.NaN,
    maxGlobalBatchSize: batches.at(-1) ?? Number.NaN,
    minMicroBatchSize: Math.min(...microBatches),
    maxMicroBatchSize: Math.max(...microBatches),
    maxGpus: Math.max(...steps.map((step) => step.gpus)),
    measuredBatchSizes: batches,
    course: (globalBatchSize) => courses.at(globalBatchSize),
    stepSeconds({ placement, microBatchSize, gradientAccumulationSteps }: WorldLayout) {
      const key = `${placement.join('-')}×${microBatchSize}`;
      const pass = known.get(key) ?? times.at(placement, microBatchSize);
      known.set(key, pass);
      const computed = pass.step - pass.synchronization;
      const compute = gradientAccumulationSteps * computed;
      return { total: compute + pass.synchronization, compute, synchronization: pass.synchronization };
    },
  };
}

function readPlacements(folder: string): readonly MeasuredStep[] {
  const file = path.join(folder, 'placements.csv');
  return readCsv(file, ['placement', 'local_bsz', 'step_time', 'sync_time']).rows.map((row) => {
    const placement = [...row.text('placement')].map(Number).sort((one, other) => one - other);
    return {
      placement,
      nodes: placement.length,
      gpus: placement.reduce((sum, gpus) => sum + gpus, 0),
      microBatchSize: row.number('local_bsz'),
      stepSeconds: row.number('step_time'),
      synchronizationSeconds: row.number('sync_time'),
    };
  });
}

function readScalability(folder: string): readonly MeasuredStep[] {
  const file = path.join(folder, 'scalability.csv');
  return readCsv(file, ['num_nodes', 'num_replicas', 'local_bsz', 'step_time', 'sync_time']).rows.map((row) => ({
    placement: undefined,
    nodes: row.number('num_nodes'),
    gpus: row.number('num_replicas'),
    microBatchSize: row.number('local_bsz'),
    stepSeconds: row.number('step_time'),
    synchronizationSeconds: row.number('sync_time'),
  }));
}

function readRuns(folder: string): readonly MeasuredRun[] {
  const files = readdirSync(folder).flatMap((name) => {
    const batch = /^validation-(\d+)\.csv$/.exec(name)?.[1];
    return batch === undefined ? [] : [{ file: path.join(folder, name), globalBatchSize: Number(batch) }];
  });
  if (files.length === 0)
    throw new InputError(`${folder} has no validation-B.csv; give one for each batch trained with`);
  const smallest = Math.min(...files.map(({ globalBatchSize }) => globalBatchSize));
  return files.map(({ file, globalBatchSize }) => ({
    globalBatchSize,
    looks: readCsv(file, ['progress', 'iteration', 'grad_sqr', 'grad_var']).rows.map((row) => ({
      progress: row.number('progress'),
      steps: row.number('iteration'),
      signal: row.number('grad_sqr'),
      // Published for a mean over the smallest batch; that of one sample is so many times larger.
      trace: row.number('grad_var') * smallest,
    })),
  }));
}
