import { normalNumbers } from '../../src/simulator/random.ts';
import type { AllocationSpan, JobResult, Prediction, Series, SimulationResult } from '../../src/simulator/result.ts';

interface Shape {
  readonly jobs?: number;
  readonly seed?: number;
  /** Without zones there are no energy series. */
  readonly zones?: readonly string[];
}

const HOUR = 3600;
const GPUS_PER_NODE = 4;
const PRICE_PER_GPU_HOUR = 0.526;
/** Median GPU-seconds, and seconds that a restart takes: long and short runs, as in the traces of the field. */
const APPLICATIONS = [
  { name: 'cifar10', gpuSeconds: 5000, restart: 30 },
  { name: 'bert', gpuSeconds: 30_000, restart: 120 },
  { name: 'deepspeech2', gpuSeconds: 9000, restart: 25 },
  { name: 'imagenet', gpuSeconds: 70_000, restart: 250 },
] as const;

/** What a simulation of `jobs` jobs may leave: seeded, so that the same shape gives the same result. */
export function aSimulationResult({ jobs: count = 40, seed = 7, zones = [] }: Shape = {}): SimulationResult {
  const normal = normalNumbers(seed);
  const submissions = Array.from({ length: count }, () => Math.abs(normal()) * 4 * HOUR).toSorted((a, b) => a - b);
  const runs = submissions.map((submittedAt, index) => aRun(index, submittedAt, normal));
  const end = Math.max(HOUR, ...runs.map(({ allocation }) => allocation.at(-1)?.to ?? 0)) + 600;
  const jobs = runs.map((job) => (job.finishedAt === undefined ? heldToTheEnd(job, end) : job));
  const series = seriesOf(jobs, end, zones);
  return {
    format: 'stepwise.dev/simulation/v1',
    scenario: {
      name: 'workload-1, deadlines at twice the published completion',
      policy: 'stepwise',
      seed,
      currency: 'USD',
      startsAt: '2026-03-02T00:00:00Z',
      pools: [
        {
          name: 't4',
          gpu: 'NVIDIA T4',
          gpusPerNode: GPUS_PER_NODE,
          minNodes: 0,
          maxNodes: 16,
          pricePerNodeHour: 2.104,
          zone: zones[0],
        },
      ],
    },
    totals: { ...totalsOf(jobs, end), cost: series.cost.at(-1)?.cost ?? 0 },
    jobs,
    decisions: decisionsOf(jobs, end, normal),
    series,
  };
}

/** One job as the result tells of it; fields that a test does not name are those of a plain, finished run. */
export function aJobResult(fields: Partial<JobResult> = {}): JobResult {
  return {
    name: 'job-0',
    application: 'cifar10',
    submittedAt: 0,
    startedAt: 60,
    finishedAt: 3660,
    deadline: 7200,
    refused: false,
    gpuSeconds: 7200,
    nodeBilledGpuSeconds: 8000,
    cost: 1.17,
    energyKwh: 0.14,
    co2eKg: 0.05,
    rescales: 0,
    batchChanges: 1,
    interruptions: 0,
    predictions: [],
    allocation: [
      { from: 0, to: 60, state: 'Waiting', pool: undefined, gpus: 0, globalBatchSize: 128 },
      { from: 60, to: 3660, state: 'Running', pool: 't4', gpus: 2, globalBatchSize: 256 },
    ],
    ...fields,
  };
}

function aRun(index: number, submittedAt: number, normal: () => number): JobResult {
  const application = APPLICATIONS[Math.floor(Math.abs(normal()) * 2) % APPLICATIONS.length] ?? APPLICATIONS[0];
  const work = application.gpuSeconds * Math.exp(0.5 * normal());
  const spans = spansOf(submittedAt, work, application.restart, normal);
  const running = spans.filter(({ state }) => state === 'Running');
  const startedAt = running[0]?.from;
  const last = spans.at(-1)?.to ?? submittedAt;
  const finished = index % 37 !== 36;
  const gpuSeconds = running.reduce((sum, { from, to, gpus }) => sum + (to - from) * gpus, 0);
  const cost = (1.07 * gpuSeconds * PRICE_PER_GPU_HOUR) / HOUR;
  return aJobResult({
    name: `${application.name}-${index}`,
    application: application.name,
    submittedAt,
    startedAt,
    finishedAt: finished ? last : undefined,
    deadline: index % 9 === 8 ? undefined : submittedAt + (last - submittedAt) * (1.16 + 0.12 * normal()),
    gpuSeconds,
    nodeBilledGpuSeconds: 1.07 * gpuSeconds,
    cost,
    energyKwh: (gpuSeconds * 0.07) / HOUR,
    co2eKg: (gpuSeconds * 0.026) / HOUR,
    rescales: running.length - 1,
    batchChanges: Math.round(Math.abs(normal() * 2)),
    interruptions: index % 23 === 22 ? 1 : 0,
    predictions: predictionsOf(startedAt ?? submittedAt, last, cost, normal),
    allocation: spans,
  });
}

/** Waits, then runs in one to four stretches of a doubling or halving number of GPUs, with a restart before each. */
function spansOf(submittedAt: number, work: number, restart: number, normal: () => number): readonly AllocationSpan[] {
  const stretches = 1 + Math.min(3, Math.floor(Math.abs(normal()) * 1.5));
  let [at, gpus] = [submittedAt, 2 ** Math.min(3, Math.floor(Math.abs(normal()) * 1.6))];
  const spans: AllocationSpan[] = [];
  const add = (state: AllocationSpan['state'], seconds: number, held: number) => {
    spans.push({
      from: at,
      to: at + seconds,
      state,
      pool: held > 0 ? 't4' : undefined,
      gpus: held,
      globalBatchSize: 128 * gpus,
    });
    at += seconds;
  };
  add('Waiting', 30 + Math.abs(normal()) * 300, 0);
  for (let stretch = 0; stretch < stretches; stretch += 1) {
    add('Restarting', restart, gpus);
    add('Running', work / stretches / gpus ** 0.85, gpus);
    if (normal() > 1.6) add('Paused', 1800, 0);
    gpus = Math.max(1, Math.min(32, normal() > -0.3 ? gpus * 2 : gpus / 2));
  }
  return spans;
}

/** Beliefs that narrow as the run goes on; nine in ten of them hold what comes. */
function predictionsOf(from: number, to: number, cost: number, normal: () => number): readonly Prediction[] {
  return Array.from({ length: 16 }, (_, index) => {
    const progress = (index + 0.5) / 16;
    const spread = 0.35 * (1 - progress) * Math.exp(-1.2 * progress);
    const shift = spread * normal();
    const about = (value: number, origin: number) => ({
      value: origin + (value - origin) * Math.exp(shift),
      low: origin + (value - origin) * Math.exp(shift - 1.645 * spread),
      high: origin + (value - origin) * Math.exp(shift + 1.645 * spread),
    });
    return { at: from + progress * (to - from), finish: about(to, from), cost: about(cost, 0) };
  });
}

function heldToTheEnd(job: JobResult, end: number): JobResult {
  return {
    ...job,
    allocation: job.allocation.map((span, index, all) => (index === all.length - 1 ? { ...span, to: end } : span)),
  };
}

function totalsOf(jobs: readonly JobResult[], end: number): SimulationResult['totals'] {
  const sum = (of: (job: JobResult) => number) => jobs.reduce((total, job) => total + of(job), 0);
  const finished = jobs.filter(({ finishedAt }) => finishedAt !== undefined);
  const late = jobs.filter(({ finishedAt = end, deadline = end }) => finishedAt > deadline);
  return {
    jobs: jobs.length,
    finished: finished.length,
    late: late.length,
    refused: jobs.filter(({ refused }) => refused).length,
    gpuHours: sum(({ gpuSeconds }) => gpuSeconds / HOUR),
    nodeBilledGpuHours: sum(({ nodeBilledGpuSeconds }) => nodeBilledGpuSeconds / HOUR),
    cost: sum(({ cost }) => cost),
    energyKwh: sum(({ energyKwh }) => energyKwh),
    co2eKg: sum(({ co2eKg }) => co2eKg ?? Number.NaN),
    meanCompletionSeconds:
      finished.reduce((total, { finishedAt = 0, submittedAt }) => total + finishedAt - submittedAt, 0) /
      Math.max(1, finished.length),
    rescales: sum(({ rescales }) => rescales),
    batchChanges: sum(({ batchChanges }) => batchChanges),
    latenessShare95: late.length > 0.05 * jobs.length ? 0.021 : 0,
    simulatedSeconds: end,
  };
}

function gpusHeldAt(jobs: readonly JobResult[], at: number): number {
  return jobs.reduce(
    (sum, { allocation }) => sum + (allocation.find(({ from, to }) => from <= at && at < to)?.gpus ?? 0),
    0,
  );
}

function decisionsOf(jobs: readonly JobResult[], end: number, normal: () => number): SimulationResult['decisions'] {
  if (jobs.length === 0) return [];
  return Array.from({ length: Math.floor(end / 60) }, (_, index) => {
    const at = index * 60;
    const active = jobs.filter(({ submittedAt, finishedAt = end }) => submittedAt <= at && at < finishedAt).length;
    return {
      at,
      milliseconds: 0.4 + 0.11 * active * Math.exp(0.3 * normal()),
      jobs: active,
      gap: Math.abs(0.003 * normal()),
    };
  });
}

function seriesOf(jobs: readonly JobResult[], end: number, zones: readonly string[]): Series {
  const instants = jobs.length === 0 ? [] : Array.from({ length: 1000 }, (_, index) => (index * end) / 999);
  let cost = 0;
  const pools = instants.map((at) => {
    const gpusInUse = gpusHeldAt(jobs, at);
    return { at, pool: 't4', nodes: Math.ceil((gpusInUse * 1.04) / GPUS_PER_NODE), gpusInUse };
  });
  const spent = pools.map(({ at, nodes }) => {
    cost += (nodes * GPUS_PER_NODE * PRICE_PER_GPU_HOUR * (end / 999)) / HOUR;
    return { at, cost };
  });
  const energy = zones.flatMap((zone, place) =>
    instants
      .filter((_, index) => index % 4 === 0)
      .map((at) => {
        const day = Math.sin(((at / HOUR - 9 - 2 * place) * Math.PI) / 12);
        return {
          at,
          zone,
          pricePerMwh: 70 - 35 * day + 8 * Math.sin(at / 5000),
          carbonGramsPerKwh: 280 + 110 * Math.cos(at / HOUR / 5 + place),
        };
      }),
  );
  return { pools, cost: spent, energy };
}
