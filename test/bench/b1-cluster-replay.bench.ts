import { staticOracle } from '../../src/simulator/policies/static-oracle.ts';
import type { SimulationResult } from '../../src/simulator/result.ts';
import { simulate } from '../../src/simulator/run.ts';
import { parseScenario, type ScenarioText } from '../../src/simulator/scenario.ts';
import { readJobs } from '../../src/simulator/traces/jobs.ts';
import type { Bench, Figures } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';

/** All four take a quarter of an hour or so; a few may be named, as in `STEPWISE_B1_WORKLOADS=1,3`. */
const WORKLOADS = (process.env['STEPWISE_B1_WORKLOADS'] ?? '1,2,3,4').split(',');
/** Deadlines in multiples of the published completion times. */
const FACTORS = { F2: 2, F3: 3, Open: undefined } as const;

interface Replay {
  readonly result: SimulationResult;
  readonly oracleGpuHours: number;
}

/** The loads published with Pollux on 16 nodes of 4 T4; every job is learned from zero. */
export const b1: Bench = {
  key: 'b1',
  title: 'GPU-hours of published loads over those of the best static layouts, and deadlines kept',
  async run(report) {
    const figures: Record<string, number> = {};
    for (const [name, factor] of Object.entries(FACTORS)) {
      const replays: Replay[] = [];
      for (const workload of WORKLOADS) {
        const replayed = await replay(workload, factor);
        replays.push(replayed);
        report(`${name} workload ${workload}: ${lineOf(replayed)}`);
      }
      for (const [figure, value] of Object.entries(pooled(replays))) figures[`${figure}${name}`] = value;
    }
    return figures;
  },
};

function scenarioOf(workload: string, factor: number | undefined): ScenarioText {
  const deadlines = { file: `$STEPWISE_DATA/pollux/deadlines/workload-${workload}.csv`, factor: factor ?? 1 };
  return {
    name: `pollux-workload-${workload}`,
    jobs: {
      file: `$STEPWISE_DATA/pollux/workloads/user-like/workload-${workload}.csv`,
      profiles: '$STEPWISE_DATA/pollux/traces',
      ...(factor === undefined ? {} : { deadlines }),
    },
    pools: [
      {
        name: 't4',
        gpu: 'T4',
        gpusPerNode: 4,
        maxNodes: 16,
        kind: 'Elastic',
        billing: 'Node',
        pricePerNodeHour: 3.912,
      },
    ],
  };
}

async function replay(workload: string, factor: number | undefined): Promise<Replay> {
  const scenario = parseScenario(scenarioOf(workload, factor), { folder: '/', dataFolder: DATA_FOLDER });
  const [pool] = scenario.pools;
  if (pool === undefined) throw new Error('the scenario has one pool');
  const jobs = readJobs(scenario);
  const oracleGpuSeconds = jobs.reduce((sum, job) => sum + staticOracle(job, pool).gpuSeconds, 0);
  return { result: await simulate(scenario, { jobs }), oracleGpuHours: oracleGpuSeconds / 3600 };
}

/** Over all jobs of all workloads together; the 95th percentile of lateness is the median of theirs. */
function pooled(replays: readonly Replay[]): Figures {
  const sum = (of: (replay: Replay) => number) => replays.reduce((total, each) => total + of(each), 0);
  const jobs = sum(({ result }) => result.totals.jobs);
  const gpuHours = sum(({ result }) => result.totals.gpuHours);
  return {
    gpuHoursOverOracle: gpuHours / sum(({ oracleGpuHours }) => oracleGpuHours),
    lateShare: sum(({ result }) => result.totals.late) / jobs,
    latenessShare95: median(replays.map(({ result }) => result.totals.latenessShare95)),
    nodeBilledOverUsed: sum(({ result }) => result.totals.nodeBilledGpuHours) / gpuHours,
    rescalesPerJob: sum(({ result }) => result.totals.rescales) / jobs,
    unfinished: jobs - sum(({ result }) => result.totals.finished),
  };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(middle)] ?? Number.NaN) + (sorted[Math.ceil(middle)] ?? Number.NaN)) / 2;
}

function lineOf({ result, oracleGpuHours }: Replay): string {
  const { gpuHours, nodeBilledGpuHours, late, jobs, rescales, meanCompletionSeconds } = result.totals;
  const milliseconds = result.decisions.map((decision) => decision.milliseconds).sort((one, other) => one - other);
  const p99 = milliseconds[Math.floor(milliseconds.length * 0.99)] ?? Number.NaN;
  return (
    `${gpuHours.toFixed(1)} GPU-h, oracle ${oracleGpuHours.toFixed(1)}, nodes ${nodeBilledGpuHours.toFixed(1)}, ` +
    `${late} of ${jobs} late, ${(rescales / jobs).toFixed(2)} rescales a job, ` +
    `mean completion ${meanCompletionSeconds.toFixed(0)} s, decision p99 ${p99.toFixed(1)} ms`
  );
}
