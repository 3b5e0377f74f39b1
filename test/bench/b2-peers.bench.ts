import type { Policy } from '../../src/simulator/policies/policy.ts';
import type { SimulationResult } from '../../src/simulator/result.ts';
import { simulate } from '../../src/simulator/run.ts';
import { parseScenario, type ScenarioText } from '../../src/simulator/scenario.ts';
import type { Bench } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';
import { PolluxPolicy } from './peers/pollux-policy.ts';
import { polluxSimulated } from './peers/pollux-simulated.ts';
import { fittedProfiles } from './peers/pollux-time.ts';

/** The published load and so many of its first jobs: the Pollux policy takes seconds for each decision. */
const WORKLOAD = '3';
/** Mean of the completion times published for the whole load on 16 nodes. */
const PUBLISHED_SECONDS = 2140;
const JOBS = 20;
/** As many nodes as make jobs compete: 20 jobs on 16 nodes leave most of them idle. */
const NODES = 6;
const PRICE_PER_GPU_HOUR = 0.978;
/** Values of an hour of a job's time, in GPU-hours. */
const VALUES = [0, 1, 2, 4, 8, 16, 32] as const;

/** What other policies pay for their speed, against what Stepwise pays for the same. */
export const b2Peers: Bench = {
  key: 'b2Peers',
  title: 'GPU-hours at the mean completion times of the Pollux policy, greedy shares and static layouts',
  async run(report) {
    const curve: Point[] = [];
    for (const value of VALUES) {
      const timeValuePerHour = value * PRICE_PER_GPU_HOUR;
      curve.push(pointOf(await run({ policy: 'Stepwise', objective: { timeValuePerHour } })));
      report(`Stepwise, an hour is worth ${value} GPU-hours: ${lineOf(curve.at(-1))}`);
    }
    const peers: Record<string, Point | undefined> = {
      Requested: pointOf(await run({ policy: 'StaticAsRequested' })),
      Tuned: pointOf(await run({ policy: 'StaticAsRequested' }, 'tuned')),
      Greedy: pointOf(await run({ policy: 'GreedyShares' })),
      GreedyTuned: pointOf(await run({ policy: 'GreedyShares' }, 'tuned')),
      Pollux: await polluxPoint(report),
    };
    const figures: Record<string, number> = {};
    const fastest = curve.reduce((best, point) => (point.seconds < best.seconds ? point : best));
    for (const [name, point] of Object.entries(peers)) {
      if (point === undefined) continue;
      report(`${name}: ${lineOf(point)}`);
      figures[`meanSeconds${name}`] = point.seconds;
      const ours = gpuHoursAt(curve, point.seconds);
      if (ours !== undefined) figures[`gpuHoursOver${name}`] = ours / point.gpuHours;
      figures[`fastestOver${name}`] = fastest.seconds / point.seconds;
      figures[`gpuHoursAtFastestOver${name}`] = fastest.gpuHours / point.gpuHours;
    }
    const atPublished = gpuHoursAt(curve, PUBLISHED_SECONDS);
    if (atPublished !== undefined && peers['Pollux'] !== undefined) {
      figures['gpuHoursAtPublishedTimeOverPollux'] = atPublished / peers['Pollux'].gpuHours;
    }
    return figures;
  },
};

interface Point {
  readonly seconds: number;
  readonly gpuHours: number;
}

function run(parts: Partial<ScenarioText>, requests = 'user-like', policy?: Policy): Promise<SimulationResult> {
  const text: ScenarioText = {
    name: `pollux-workload-${WORKLOAD}`,
    jobs: {
      file: `$STEPWISE_DATA/pollux/workloads/${requests}/workload-${WORKLOAD}.csv`,
      profiles: '$STEPWISE_DATA/pollux/traces',
      first: JOBS,
    },
    pools: [aPool('Elastic')],
    ...parts,
  };
  const scenario = parseScenario(text, { folder: '/', dataFolder: DATA_FOLDER });
  return simulate(scenario, policy === undefined ? {} : { policy });
}

function aPool(kind: 'Elastic' | 'Paid'): ScenarioText['pools'][number] {
  const pricePerNodeHour = 4 * PRICE_PER_GPU_HOUR;
  return { name: 't4', gpu: 'T4', gpusPerNode: 4, maxNodes: NODES, kind, billing: 'Gpu', pricePerNodeHour };
}

/** Undefined, with the reason told, where the policy cannot be installed. Its nodes stand all the time, as it wants them. */
async function polluxPoint(report: (line: string) => void): Promise<Point | undefined> {
  let policy: PolluxPolicy;
  try {
    policy = await PolluxPolicy.start({ seed: 1, fixedCluster: true });
  } catch (error) {
    report(`without the Pollux policy: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
  try {
    const simulated = polluxSimulated(policy, await fittedProfiles());
    const result = await run({ pools: [aPool('Paid')] }, 'user-like', simulated);
    const seconds = result.decisions.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / 1000;
    report(`Pollux decided ${result.decisions.length} times in ${seconds.toFixed(0)} s`);
    return pointOf(result);
  } finally {
    await policy.close();
  }
}

function pointOf({ totals }: SimulationResult): Point {
  // Jobs that never end would save GPU-hours.
  if (totals.finished < totals.jobs) throw new Error(`${totals.jobs - totals.finished} jobs did not end`);
  return { seconds: totals.meanCompletionSeconds, gpuHours: totals.gpuHours };
}

function lineOf(point: Point | undefined): string {
  return `mean completion ${point?.seconds.toFixed(0)} s, ${point?.gpuHours.toFixed(1)} GPU-h`;
}

/**
 * The least GPU-hours on the curve, between its points by straight lines, for such a mean completion time or a shorter
 * one; undefined where it does not reach down to it.
 */
function gpuHoursAt(curve: readonly Point[], seconds: number): number | undefined {
  const points = curve.toSorted((one, other) => one.seconds - other.seconds);
  const asFast = points.filter((point) => point.seconds <= seconds);
  const [faster, slower] = [asFast.at(-1), points[asFast.length]];
  if (faster === undefined) return undefined;
  const reached = asFast.map(({ gpuHours }) => gpuHours);
  if (slower === undefined) return Math.min(...reached);
  const share = (seconds - faster.seconds) / (slower.seconds - faster.seconds);
  return Math.min(...reached, faster.gpuHours + share * (slower.gpuHours - faster.gpuHours));
}
