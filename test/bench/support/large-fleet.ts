import type { JobSnapshot, PoolHour, PoolSnapshot } from '../../../src/core/snapshot.ts';
import { aConfiguration, aJob, aPool, evidenceOf, NOW } from '../../support/a-job.ts';
import { between, type Random } from '../random.ts';

const POOLS = 4;
const GPUS_PER_NODE = 4;
/** As many as the jobs of the Pollux policy may, which is timed beside it. */
const MAX_REPLICAS = 8;

export interface LargeFleet {
  readonly jobs: readonly JobSnapshot[];
  readonly pools: readonly PoolSnapshot[];
}

/**
 * Trainings of all kinds on four pools, each timed at four sizes; half of them have a deadline, and a third would pay
 * for being done sooner, so that they want more workers than they have.
 *
 * @param supply GPUs of the pools over those that the jobs hold
 */
export function aLargeFleet(random: Random, size: number, supply: number, canPause = false): LargeFleet {
  const jobs = Array.from({ length: size }, (_, index) => someJob(random, index, canPause));
  return { jobs, pools: poolsFor(jobs, supply) };
}

function someJob(random: Random, index: number, canPause: boolean): JobSnapshot {
  const pool = `pool-${index % POOLS}`;
  const log = (low: number, high: number) => Math.exp(between(random, Math.log(low), Math.log(high)));
  const on = (replicas: number) =>
    aConfiguration({ pool, replicas, nodes: Math.ceil(replicas / GPUS_PER_NODE), microBatchSize: 64 });
  return aJob({
    key: `team/job-${index}`,
    limits: {
      canRescale: true,
      canPause,
      maxReplicas: MAX_REPLICAS,
      pools: [pool],
      // Readings of the builder are of one instant; what is timed is not how long ago that was.
      stalenessLimitSeconds: 1e9,
      deadline: random() < 0.5 ? NOW + log(3e3, 3e5) : undefined,
      timeValuePerHour: random() < 1 / 3 ? log(3, 300) : 0,
    },
    history: { current: on([1, 1, 2, 4][Math.floor(4 * random())] ?? 1) },
    evidence: evidenceOf({
      overheadSeconds: log(1e-2, 1),
      secondsPerSample: log(1e-4, 1e-2),
      synchronizationSeconds: log(1e-2, 1),
      gradientNoiseScale: log(100, 1e5),
      timed: [1, 2, 4, 8].map(on),
    }),
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

/**
 * The pools with a week of hours from an instant on, as a forecast tells them anew each time: dear by day, each day another
 * price, and ever less certain. Electricity costs up to as much as the nodes.
 */
export function withHours(pools: readonly PoolSnapshot[], now: number): readonly PoolSnapshot[] {
  const first = Math.floor(now / 3600);
  return pools.map((pool, place) => ({
    ...pool,
    kilowattsPerGpu: 2,
    hours: Array.from({ length: 168 }, (_, lead): PoolHour => {
      const hour = first + lead;
      const byDay = 1 + Math.sin((2 * Math.PI * (hour + 6 * place)) / 24);
      const ofDay = 1 + 0.5 * Math.sin(Math.floor(hour / 24) * 2.4 + place);
      return {
        from: 3600 * hour,
        to: 3600 * (hour + 1),
        moneyPerKwh: 0.25 * byDay * ofDay,
        rentFactor: undefined,
        relativeError: 0.1 * Math.sqrt(lead / 24),
      };
    }),
  }));
}

/** The jobs a few steps on: those that `isRead` have a new reading, with a little more work done. */
export function aLittleLater(jobs: readonly JobSnapshot[], isRead: () => boolean): readonly JobSnapshot[] {
  return jobs.map((job) => {
    if (!isRead()) return job;
    const { progress } = job.evidence;
    const referenceSamples = progress.referenceSamples * 1.001;
    return { ...job, evidence: { ...job.evidence, progress: { ...progress, referenceSamples } } };
  });
}
