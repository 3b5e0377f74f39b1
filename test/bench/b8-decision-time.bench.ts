import { planFleet } from '../../src/core/plan-fleet.ts';
import type { JobSnapshot, PoolSnapshot } from '../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, evidenceOf, NOW } from '../support/a-job.ts';
import type { Bench, Figures } from './bench.ts';
import { aRandom, between, type Random } from './random.ts';

const SIZES = [160, 2560, 10_000] as const;
const POOLS = 4;
const GPUS_PER_NODE = 4;
const CALLS = 60;
/** Jobs whose readings have come in since the last call: every job's does within fifty calls. */
const FRESH_SHARE = 0.02;
/** GPUs of the pools over those that the jobs hold: nobody need compete; most who want more cannot have it. */
const SUPPLIES = { ample: 4, scarce: 1.1 } as const;

/** One call of the planner on one core, when little has changed since the last, and when everything has. */
export const b8: Bench = {
  key: 'b8',
  title: 'Decision time of the planner, proven gap, memory and growth',
  async run(report) {
    const figures: Record<string, number> = {};
    for (const size of SIZES) {
      for (const [name, supply] of Object.entries(SUPPLIES)) {
        const seen = measure(size, supply);
        for (const [figure, value] of Object.entries(seen)) figures[`${figure}${size}${name}`] = value;
        report(
          `${size} jobs, ${name}: p50 ${seen.p50Milliseconds.toFixed(1)} ms, p99 ${seen.p99Milliseconds.toFixed(1)} ms, ` +
            `cold ${seen.coldMilliseconds.toFixed(0)} ms, gap ${(100 * seen.gap).toFixed(3)} %`,
        );
      }
    }
    const heapBytes = process.memoryUsage().heapUsed;
    return { ...figures, ...worstOf(figures), heapMegabytes10000: heapBytes / 1e6, growthExponent: growth(figures) };
  },
};

interface Seen {
  readonly p50Milliseconds: number;
  readonly p99Milliseconds: number;
  readonly coldMilliseconds: number;
  readonly gap: number;
}

function measure(size: number, supply: number): Seen {
  const random = aRandom(size);
  let jobs: readonly JobSnapshot[] = Array.from({ length: size }, (_, index) => someJob(random, index));
  const pools = poolsFor(jobs, supply);
  const coldMilliseconds = timed(() => planFleet({ now: NOW, jobs, pools }));
  const milliseconds: number[] = [];
  let gap = 0;
  for (let call = 1; call <= CALLS; call++) {
    jobs = jobs.map((job) => (random() < FRESH_SHARE ? { ...job, evidence: { ...job.evidence } } : job));
    milliseconds.push(
      timed(() => {
        gap = Math.max(gap, planFleet({ now: NOW + call, jobs, pools }).gap);
      }),
    );
  }
  milliseconds.sort((one, other) => one - other);
  return {
    p50Milliseconds: milliseconds[Math.floor(CALLS / 2)] ?? Number.NaN,
    p99Milliseconds: milliseconds[Math.ceil(CALLS * 0.99) - 1] ?? Number.NaN,
    coldMilliseconds,
    gap,
  };
}

function timed(work: () => unknown): number {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

/** Trainings of all kinds on one to eight workers, timed at four sizes; half of them have a deadline. */
function someJob(random: Random, index: number): JobSnapshot {
  const pool = `pool-${index % POOLS}`;
  const log = (low: number, high: number) => Math.exp(between(random, Math.log(low), Math.log(high)));
  const on = (replicas: number) =>
    aConfiguration({ pool, replicas, nodes: Math.ceil(replicas / GPUS_PER_NODE), microBatchSize: 64 });
  const evidence = evidenceOf({
    overheadSeconds: log(1e-2, 1),
    secondsPerSample: log(1e-4, 1e-2),
    synchronizationSeconds: log(1e-2, 1),
    gradientNoiseScale: log(100, 1e5),
    timed: [1, 2, 4, 8].map(on),
  });
  return aJob({
    key: `team/job-${index}`,
    limits: {
      canRescale: true,
      maxReplicas: 16,
      pools: [pool],
      deadline: random() < 0.5 ? NOW + log(1e3, 1e5) : undefined,
    },
    history: { current: on([1, 2, 4, 8][Math.floor(4 * random())] ?? 1) },
    evidence,
  });
}

function poolsFor(jobs: readonly JobSnapshot[], supply: number): readonly PoolSnapshot[] {
  return Array.from({ length: POOLS }, (_, index) => {
    const name = `pool-${index}`;
    const held = jobs
      .filter(({ history }) => history.current.pool === name)
      .reduce((sum, { history }) => sum + history.current.replicas, 0);
    const maxNodes = Math.ceil((supply * held) / GPUS_PER_NODE);
    return aPool({ name, gpusPerNode: GPUS_PER_NODE, maxNodes, pricePerNodeHour: 4 + index });
  });
}

function worstOf(figures: Figures): Figures {
  const worst = (figure: string, size: number) =>
    Math.max(...Object.keys(SUPPLIES).map((supply) => figures[`${figure}${size}${supply}`] ?? Number.NaN));
  return Object.fromEntries(
    SIZES.flatMap((size) => [
      [`p99Milliseconds${size}`, worst('p99Milliseconds', size)],
      [`gap${size}`, worst('gap', size)],
    ]),
  );
}

/** Slope of ln(p50) over ln(jobs), least squares, while nothing is scarce. */
function growth(figures: Figures): number {
  const xs = SIZES.map((size) => Math.log(size));
  const ys = SIZES.map((size) => Math.log(figures[`p50Milliseconds${size}ample`] ?? Number.NaN));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanX = mean(xs);
  const meanY = mean(ys);
  const covariance = mean(xs.map((x, place) => (x - meanX) * ((ys[place] ?? meanY) - meanY)));
  return covariance / mean(xs.map((x) => (x - meanX) ** 2));
}
