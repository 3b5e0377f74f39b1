import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError } from '../input-error.ts';
import type { Scenario } from '../scenario.ts';
import type { TrainingWorld } from '../world/training-world.ts';
import type { ArrivingJob } from './arriving-job.ts';
import { type CsvRow, readCsv } from './csv.ts';
import { readElasticFlowJobs } from './elasticflow.ts';
import { readPolluxProfile } from './pollux-profiles.ts';

/** The jobs of a scenario in the order in which they come in. */
export function readJobs(scenario: Scenario): readonly ArrivingJob[] {
  const { format, first } = scenario.jobs;
  const jobs = format === 'Pollux' ? readPolluxJobs(scenario.jobs) : readElasticFlowJobs(scenario.jobs);
  return jobs.slice(0, first);
}

function readPolluxJobs(jobs: Scenario['jobs']): readonly ArrivingJob[] {
  const published = jobs.deadlines === undefined ? undefined : readPublished(jobs.deadlines.file);
  const factor = jobs.deadlines?.factor ?? Number.NaN;
  const worlds = new Map<string, TrainingWorld>();
  const isProfiled = (row: CsvRow) => existsSync(path.join(jobs.profiles, row.text('application')));
  return readCsv(jobs.file, ['name', 'time', 'application', 'num_replicas', 'batch_size'])
    .rows.filter((row) => !jobs.onlyProfiled || isProfiled(row))
    .map((row) => {
      const name = row.text('name');
      const submittedAt = row.number('time');
      const application = row.text('application');
      const world = worlds.get(application) ?? readWorld(jobs.profiles, application);
      worlds.set(application, world);
      const completion = published?.get(name);
      if (published !== undefined && completion === undefined) {
        throw new InputError(`${jobs.deadlines?.file}: no line for job ${name}; every job of ${jobs.file} needs one`);
      }
      return {
        name,
        world,
        submittedAt,
        deadline: completion === undefined ? undefined : submittedAt + factor * completion,
        requested: { gpus: row.number('num_replicas'), globalBatchSize: row.number('batch_size') },
        batchIsFree: true,
      };
    })
    .sort((one, other) => one.submittedAt - other.submittedAt);
}

function readWorld(profiles: string, application: string): TrainingWorld {
  const folder = path.join(profiles, application);
  if (existsSync(folder)) return readPolluxProfile(folder);
  throw new InputError(`jobs.profiles: ${profiles} has no folder ${application}; a job trains that application`);
}

/** Completion time of each job as published, in seconds. */
function readPublished(file: string): ReadonlyMap<string, number> {
  const { rows } = readCsv(file, ['name', 'pollux_jct_s']);
  return new Map(rows.map((row) => [row.text('name'), row.number('pollux_jct_s')]));
}
