import { targetFor } from '../../src/simulator/policies/layouts.ts';
import { simulate } from '../../src/simulator/run.ts';
import { parseScenario } from '../../src/simulator/scenario.ts';
import type { ArrivingJob } from '../../src/simulator/traces/arriving-job.ts';
import { type CsvRow, readCsv } from '../../src/simulator/traces/csv.ts';
import { readPolluxProfile } from '../../src/simulator/traces/pollux-profiles.ts';
import type { TrainingWorld } from '../../src/simulator/world/training-world.ts';
import type { Bench } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';
import { heldPolicy } from './held-policy.ts';

const POLLUX = `${DATA_FOLDER}/pollux`;
const GPUS_PER_NODE = 4;
/** Full nodes that step times were measured on; what lies between is interpolated. */
const MEASURED_FULL_NODES = [1, 2, 3, 4, 6, 8, 12, 16];

const SCENARIO = parseScenario(
  {
    name: 'calibration',
    jobs: { file: 'unread.csv', profiles: 'unread' },
    pools: [{ name: 't4', gpu: 'T4', gpusPerNode: GPUS_PER_NODE, maxNodes: 16, kind: 'Paid', pricePerNodeHour: 1 }],
    restartSeconds: 0,
    planningIntervalSeconds: 3600,
    scrapeIntervalSeconds: 3600,
  },
  { folder: '/', dataFolder: '/' },
);

/** A job held at (GPUs, batch) from start to end, against the published end. */
export const calibration: Bench = {
  key: 'calibration',
  title: 'jobs held at a number of GPUs and a batch end when they were measured to',
  async run(report) {
    const worlds = new Map<string, TrainingWorld>();
    const errors: { readonly error: number; readonly measured: boolean; readonly what: string }[] = [];
    for (const row of readCsv(`${POLLUX}/frontier_t4.csv`, ['application', 'time_to_target_s']).rows) {
      const application = row.text('application');
      const world = worlds.get(application) ?? readPolluxProfile(`${POLLUX}/traces/${application}`);
      worlds.set(application, world);
      const seconds = await heldSeconds(world, row);
      const gpus = row.number('num_gpus');
      errors.push({
        error: Math.abs(seconds / row.number('time_to_target_s') - 1),
        measured: gpus <= 16 || MEASURED_FULL_NODES.includes(gpus / GPUS_PER_NODE),
        what: `${application}, ${gpus} GPUs, batch ${row.number('global_batch')}`,
      });
    }
    errors.sort((one, other) => other.error - one.error);
    for (const { error, what } of errors.slice(0, 5)) report(`${(100 * error).toFixed(2)} %  ${what}`);
    return {
      rows: errors.length,
      maxError: errors[0]?.error ?? Number.NaN,
      p99Error: errors[Math.floor(errors.length * 0.01)]?.error ?? Number.NaN,
      measuredRows: errors.filter(({ measured }) => measured).length,
      measuredMaxError: errors.find(({ measured }) => measured)?.error ?? Number.NaN,
      rowsWithinOnePercent: errors.filter(({ error }) => error <= 0.01).length,
    };
  },
};

async function heldSeconds(world: TrainingWorld, row: CsvRow): Promise<number> {
  const gpus = row.number('num_gpus');
  const globalBatchSize = row.number('global_batch');
  const job: ArrivingJob = {
    name: 'held',
    world,
    submittedAt: 0,
    deadline: undefined,
    requested: { gpus, globalBatchSize },
    batchIsFree: true,
  };
  const [pool] = SCENARIO.pools;
  if (pool === undefined) throw new Error('the scenario has one pool');
  const policy = heldPolicy(targetFor(world, pool, gpus, globalBatchSize));
  const { jobs } = await simulate(SCENARIO, { jobs: [job], policy });
  return jobs[0]?.finishedAt ?? Number.NaN;
}
