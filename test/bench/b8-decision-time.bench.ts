import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { planFleet } from '../../src/core/plan-fleet.ts';
import { NOW } from '../support/a-job.ts';
import type { Bench, Figures } from './bench.ts';
import { fittedProfiles, timePollux } from './peers/pollux-time.ts';
import { aRandom } from './random.ts';
import { aLargeFleet, aLittleLater, withHours } from './support/large-fleet.ts';

const SIZES = [160, 2560, 10_000] as const;
/** Measured calls: enough for the slowest hundredth to be more than the one slowest where a call is cheap. */
const CALLS: Readonly<Record<(typeof SIZES)[number], number>> = { 160: 400, 2560: 120, 10000: 60 };
/** Calls before the first that counts: an operator runs for weeks, its compiler has seen the code. */
const CALLS_BEFORE = 12;
/** Jobs with a new reading since the last call, as when a new job or a lost node brings the next one within a second. */
const READ_SHARE = 0.02;
/** Between two calls; 120 of them are the hour after which a new forecast comes. */
const CYCLE_SECONDS = 30;

interface Case {
  readonly name: string;
  /** GPUs of the pools over those that the jobs hold. */
  readonly supply: number;
  /** Whether prices change by the hour, for a week of them, and jobs may pause. */
  readonly byTheHour?: boolean;
}
const AMPLE: Case = { name: 'room for all', supply: 4 };
/** Every GPU is taken while a third of the jobs want more. */
const CONTENDED: Case = { name: 'contended', supply: 1 };
const BY_THE_HOUR: Case = { name: '168 hourly prices', supply: 4, byTheHour: true };

/** One call of the planner on one core, when little has changed since the last, and when everything has. */
export const b8: Bench = {
  key: 'b8',
  title: 'decision time of the planner, proven gap, memory and growth',
  async run(report) {
    const figures: Record<string, number> = {};
    for (const size of SIZES) Object.assign(figures, measure(size, report));
    const byTheHour = timeCalls(10_000, BY_THE_HOUR, report);
    figures['p50Milliseconds10000ByTheHour'] = byTheHour.p50Milliseconds;
    figures['p99Milliseconds10000ByTheHour'] = byTheHour.p99Milliseconds;
    figures['newForecastMilliseconds10000'] = byTheHour.slowestMilliseconds;
    figures['paused10000ByTheHour'] = byTheHour.paused;
    figures['growthExponent'] = growth(figures);
    return { ...figures, ...(await besidePollux(figures['p50Milliseconds160'] ?? Number.NaN, report)) };
  },
};

interface Seen {
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  readonly slowestMilliseconds: number;
  readonly coldMilliseconds: number;
  readonly gap: number;
  readonly cost: number;
  /** Held on to after it all. */
  readonly heapMegabytes: number;
  /** Jobs that were to be paused in the last call. */
  readonly paused: number;
}

/** The worse of both cases, and by how much contention raises the cost: no less than nothing, or there was none. */
function measure(size: (typeof SIZES)[number], report: (line: string) => void): Figures {
  const ample = timeCalls(size, AMPLE, report);
  const contended = timeCalls(size, CONTENDED, report);
  const worse = (of: (seen: Seen) => number) => Math.max(of(ample), of(contended));
  return {
    [`p50Milliseconds${size}`]: worse((seen) => seen.p50Milliseconds),
    [`p99Milliseconds${size}`]: worse((seen) => seen.p99Milliseconds),
    [`coldMilliseconds${size}`]: worse((seen) => seen.coldMilliseconds),
    [`gap${size}`]: worse((seen) => seen.gap),
    [`contention${size}`]: contended.cost / ample.cost - 1,
    [`heapMegabytes${size}`]: ample.heapMegabytes,
  };
}

function timeCalls(size: (typeof SIZES)[number], asked: Case, report: (line: string) => void): Seen {
  const random = aRandom(size);
  const { jobs: first, pools } = aLargeFleet(random, size, asked.supply, asked.byTheHour);
  let jobs = first;
  let now = NOW;
  let gap = 0;
  let last = planFleet({ now, jobs, pools });
  const call = (readShare: number): number => {
    jobs = aLittleLater(jobs, () => random() < readShare);
    now += CYCLE_SECONDS;
    const snapshot = { now, jobs, pools: asked.byTheHour ? withHours(pools, now) : pools };
    const startedAt = performance.now();
    last = planFleet(snapshot);
    const milliseconds = performance.now() - startedAt;
    gap = Math.max(gap, last.gap);
    return milliseconds;
  };
  for (let before = 0; before < CALLS_BEFORE; before++) call(READ_SHARE);
  const milliseconds = Array.from({ length: CALLS[size] }, () => call(READ_SHARE)).sort((one, other) => one - other);
  const at = (share: number) => milliseconds[Math.ceil(share * milliseconds.length) - 1] ?? Number.NaN;
  const coldMilliseconds = call(1);
  const paused = last.decisions.filter(({ action }) => action === 'Pause').length;
  const seen = {
    p50Milliseconds: at(0.5),
    p99Milliseconds: at(0.99),
    slowestMilliseconds: at(1),
    coldMilliseconds,
    gap,
    cost: last.cost,
    heapMegabytes: heapMegabytes(),
    paused,
  };
  report(
    `${size} jobs, ${asked.name}: p50 ${seen.p50Milliseconds.toFixed(1)} ms, p99 ${seen.p99Milliseconds.toFixed(1)} ms, ` +
      `cold ${seen.coldMilliseconds.toFixed(0)} ms, gap ${(100 * seen.gap).toFixed(4)} %`,
  );
  return seen;
}

function heapMegabytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed / 1e6;
}

/** Slope of ln(p50) over ln(jobs), least squares. */
function growth(figures: Figures): number {
  const points = SIZES.map(
    (size) => [Math.log(size), Math.log(figures[`p50Milliseconds${size}`] ?? Number.NaN)] as const,
  );
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(points.map(([x]) => x));
  const meanY = mean(points.map(([, y]) => y));
  const covariance = mean(points.map(([x, y]) => (x - meanX) * (y - meanY)));
  return covariance / mean(points.map(([x]) => (x - meanX) ** 2));
}

/** The Pollux policy's decision about as many jobs, in the same run; without its environment there is no figure. */
async function besidePollux(ourMilliseconds: number, report: (line: string) => void): Promise<Figures> {
  try {
    const { seconds } = await timePollux(await fittedProfiles(), 160);
    const theirs = seconds.toSorted((one, other) => one - other)[Math.floor(seconds.length / 2)] ?? Number.NaN;
    return { polluxSeconds160: theirs, timesFasterThanPollux160: (1000 * theirs) / ourMilliseconds };
  } catch (error) {
    report(`the Pollux policy was not timed: ${error instanceof Error ? error.message : String(error)}`);
    return {};
  }
}
