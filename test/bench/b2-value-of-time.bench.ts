import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { SimulationResult } from '../../src/simulator/result.ts';
import { simulate } from '../../src/simulator/run.ts';
import { parseScenario, type ScenarioText } from '../../src/simulator/scenario.ts';
import type { Bench } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';

/** The published load that takes least time to replay. */
const WORKLOAD = '3';
const PRICE_PER_GPU_HOUR = 0.978;
/** Values of an hour of a job's time, in GPU-hours. */
const VALUES = [0, 0.25, 0.5, 1, 2, 4, 8] as const;

/** What is paid for speed: mean completion time against GPU-hours, as the value of time rises. */
export const b2: Bench = {
  key: 'b2',
  title: 'GPU-hours for a shorter mean completion time, against static layouts and Pollux’s published times',
  async run(report) {
    const curve: Point[] = [];
    for (const value of VALUES) {
      const point = pointOf(await run('Stepwise', 'user-like', value * PRICE_PER_GPU_HOUR));
      curve.push(point);
      report(`an hour is worth ${value} GPU-hours: ${lineOf(point)}`);
    }
    const requested = pointOf(await run('StaticAsRequested', 'user-like', 0));
    const tuned = pointOf(await run('StaticAsRequested', 'tuned', 0));
    report(`as users requested: ${lineOf(requested)}`);
    report(`as an expert requested: ${lineOf(tuned)}`);
    const published = publishedMeanSeconds();
    const atPublished = gpuHoursAt(curve, published);
    report(`at Pollux's published mean of ${published.toFixed(0)} s: ${atPublished.toFixed(1)} GPU-h on the curve`);
    return {
      ...Object.fromEntries(curve.map(({ gpuHours }, place) => [`gpuHoursAtValue${VALUES[place]}`, gpuHours])),
      ...Object.fromEntries(curve.map(({ seconds }, place) => [`meanSecondsAtValue${VALUES[place]}`, seconds])),
      gpuHoursOverRequested: gpuHoursAt(curve, requested.seconds) / requested.gpuHours,
      gpuHoursOverTuned: gpuHoursAt(curve, tuned.seconds) / tuned.gpuHours,
      gpuHoursAtPublishedPolluxTime: atPublished,
      publishedPolluxMeanSeconds: published,
    };
  },
};

interface Point {
  readonly seconds: number;
  readonly gpuHours: number;
}

function pointOf({ totals }: SimulationResult): Point {
  return { seconds: totals.meanCompletionSeconds, gpuHours: totals.gpuHours };
}

function lineOf({ seconds, gpuHours }: Point): string {
  return `mean completion ${seconds.toFixed(0)} s, ${gpuHours.toFixed(1)} GPU-h`;
}

function run(policy: 'Stepwise' | 'StaticAsRequested', requests: string, timeValuePerHour: number) {
  const text: ScenarioText = {
    name: `pollux-workload-${WORKLOAD}`,
    policy,
    jobs: {
      file: `$STEPWISE_DATA/pollux/workloads/${requests}/workload-${WORKLOAD}.csv`,
      profiles: '$STEPWISE_DATA/pollux/traces',
    },
    objective: { timeValuePerHour },
    pools: [
      {
        name: 't4',
        gpu: 'T4',
        gpusPerNode: 4,
        maxNodes: 16,
        kind: 'Elastic',
        billing: 'Gpu',
        pricePerNodeHour: 4 * PRICE_PER_GPU_HOUR,
      },
    ],
  };
  return simulate(parseScenario(text, { folder: '/', dataFolder: DATA_FOLDER }));
}

/**
 * GPU-hours on the curve at a mean completion time, between two of its points; at either end those of the end, so
 * that nothing is extrapolated. NaN for a time that the curve does not reach down to.
 */
function gpuHoursAt(curve: readonly Point[], seconds: number): number {
  const points = curve.toSorted((one, other) => one.seconds - other.seconds);
  const above = points.findIndex((point) => point.seconds >= seconds);
  if (above === 0) return Number.NaN;
  const slower = points[above] ?? points.at(-1);
  const faster = above < 0 ? slower : points[above - 1];
  if (slower === undefined || faster === undefined) return Number.NaN;
  const share = slower === faster ? 0 : (seconds - faster.seconds) / (slower.seconds - faster.seconds);
  return faster.gpuHours + share * (slower.gpuHours - faster.gpuHours);
}

function publishedMeanSeconds(): number {
  const file = path.join(DATA_FOLDER, `pollux/deadlines/workload-${WORKLOAD}.csv`);
  const [, ...rows] = readFileSync(file, 'utf8').trim().split('\n');
  const seconds = rows.map((row) => Number(row.split(',')[1]));
  return seconds.reduce((sum, value) => sum + value, 0) / seconds.length;
}
