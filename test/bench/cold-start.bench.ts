import { globalBatchSize } from '../../src/core/configuration.ts';
import { plausibleEvidence } from '../../src/core/estimate/plausible-evidence.ts';
import { fitStepTime, parameterPosterior } from '../../src/core/estimate/step-time-fit.ts';
import { LOG_OVERHEAD, LOG_PER_SAMPLE, LOG_WITHIN, PARAMETERS } from '../../src/core/estimate/step-time-prior.ts';
import { priorOf } from '../../src/core/profile/family.ts';
import { lowerTriangle, type RunRecord } from '../../src/core/profile/run-record.ts';
import type { JobSnapshot } from '../../src/core/snapshot.ts';
import { staticOracle } from '../../src/simulator/policies/static-oracle.ts';
import { type StepwiseMemory, stepwisePolicy } from '../../src/simulator/policies/stepwise.ts';
import { simulate } from '../../src/simulator/run.ts';
import { parseScenario, type Scenario } from '../../src/simulator/scenario.ts';
import { readJobs } from '../../src/simulator/traces/jobs.ts';
import type { Bench, Figures } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';

/** Runs of each family that are known when the measured load begins. */
const KNOWN_RUNS = 2;
/** Jobs of the load: the first that come in; the whole load takes an hour or so. */
const FIRST = Number(process.env['STEPWISE_COLD_START_JOBS'] ?? 12);
const LOAD = process.env['STEPWISE_COLD_START_WORKLOAD'] ?? '1';
const POOL = { name: 't4', gpu: 'T4', gpusPerNode: 4, maxNodes: 16, kind: 'Elastic', billing: 'Gpu' } as const;

/** Without deadlines, and with deadlines at twice the published completion times. */
const FACTORS = { Open: undefined, F2: 2 } as const;

/** A published load whose families were seen twice before: against learning from zero, and with a history that is wrong. */
export const coldStart: Bench = {
  key: 'coldStart',
  title: 'GPU-hours and rescales of a load whose families were seen twice before',
  async run(report) {
    const figures: Record<string, number> = {};
    for (const [name, factor] of Object.entries(FACTORS)) {
      for (const [figure, value] of Object.entries(await compare(name, factor, report))) {
        figures[`${figure}${name}`] = value;
      }
    }
    return figures;
  },
};

async function compare(name: string, factor: number | undefined, report: (line: string) => void): Promise<Figures> {
  const scenario = scenarioOf(1, factor);
  const jobs = readJobs(scenario);
  const [pool] = scenario.pools;
  if (pool === undefined) throw new Error('the scenario has one pool');
  const oracle = jobs.reduce((sum, job) => sum + staticOracle(job, pool).gpuSeconds, 0) / 3600;

  // 1. The runs before: the same applications under other noise.
  const earlier = await replay(scenarioOf(2, factor), new Map());
  const known = new Map([...earlier.runs].map(([family, runs]) => [family, runs.slice(0, KNOWN_RUNS)]));

  // 2. The load itself, from zero, with that history, and with one that is wrong.
  const wrong = new Map([...known].map(([family, runs]) => [family, runs.map(misleading)]));
  const zero = await replay(scenario, new Map());
  const seen = await replay(scenario, known);
  const misled = await replay(scenario, wrong);
  for (const [what, { gpuHours, rescales, late, meanCompletionSeconds }] of Object.entries({ zero, seen, misled })) {
    report(
      `${name} ${what}: ${gpuHours.toFixed(1)} GPU-h, oracle ${oracle.toFixed(1)}, ${rescales.toFixed(2)} rescales a job, ${late} late, mean completion ${meanCompletionSeconds.toFixed(0)} s`,
    );
  }
  return {
    zeroOverOracle: zero.gpuHours / oracle,
    seenOverOracle: seen.gpuHours / oracle,
    zeroRescales: zero.rescales,
    seenRescales: seen.rescales,
    zeroLate: zero.late,
    seenLate: seen.late,
    misledOverZero: misled.gpuHours / zero.gpuHours,
  };
}

function scenarioOf(seed: number, factor: number | undefined): Scenario {
  const deadlines = { file: `$STEPWISE_DATA/pollux/deadlines/workload-${LOAD}.csv`, factor: factor ?? 1 };
  return parseScenario(
    {
      name: `cold-start-${seed}`,
      seed,
      jobs: {
        file: `$STEPWISE_DATA/pollux/workloads/user-like/workload-${LOAD}.csv`,
        profiles: '$STEPWISE_DATA/pollux/traces',
        first: FIRST,
        ...(factor === undefined ? {} : { deadlines }),
      },
      pools: [{ ...POOL, pricePerNodeHour: 3.912 }],
    },
    { folder: '/', dataFolder: DATA_FOLDER },
  );
}

interface Replayed {
  readonly gpuHours: number;
  readonly rescales: number;
  readonly late: number;
  readonly meanCompletionSeconds: number;
  readonly runs: ReadonlyMap<string, readonly RunRecord[]>;
}

async function replay(scenario: Scenario, known: ReadonlyMap<string, readonly RunRecord[]>): Promise<Replayed> {
  const last = new Map<string, JobSnapshot>();
  const memory: StepwiseMemory = {
    priorsOf: ({ name }) => {
      const runs = known.get(familyOf(name)) ?? [];
      const limits = last.get(name)?.limits;
      if (runs.length === 0 || limits === undefined) return undefined;
      const prior = priorFor(runs, limits);
      return prior === undefined ? undefined : [prior];
    },
    onSeen: ({ name }, seen) => void last.set(name, seen),
  };
  const { totals } = await simulate(scenario, {
    policy: (knowledge) => stepwisePolicy(knowledge, new Map(), memory),
  });
  const runs = [...last.values()].flatMap((seen, index) => runOf(seen, index) ?? []);
  return {
    gpuHours: totals.gpuHours,
    rescales: totals.rescales / totals.jobs,
    late: totals.late,
    meanCompletionSeconds: totals.meanCompletionSeconds,
    runs: Map.groupBy(runs, ({ job }) => familyOf(job)),
  };
}

function priorFor(runs: readonly RunRecord[], limits: JobSnapshot['limits']) {
  return priorOf(runs, {
    pool: POOL.name,
    gpuType: 'nvidia-t4',
    memoryBytes: undefined,
    initialGlobalBatchSize: limits.initialGlobalBatchSize,
    initialMicroBatchSize: limits.initialMicroBatchSize,
    targetLoss: undefined,
    model: undefined,
  });
}

/** Jobs are named after their application and a number. */
function familyOf(job: string): string {
  return job.replace(/-\d+$/, '');
}

/** As the operator records it, from what was last seen of a job. */
function runOf({ key, evidence: told, limits, history }: JobSnapshot, index: number): RunRecord | undefined {
  const evidence = plausibleEvidence(told);
  const fit = evidence === undefined ? undefined : fitStepTime(evidence.stepTimes, evidence.scatter);
  if (evidence === undefined || fit === undefined || evidence.progress.referenceSamples === 0) return undefined;
  const posterior = parameterPosterior(fit);
  const batches = evidence.stepTimes.map((point) => globalBatchSize({ ...point, pool: '', replicas: 1 }));
  return {
    uid: key,
    job: key,
    endedAt: index,
    outcome: 'Complete',
    gpuType: 'nvidia-t4',
    replicas: history.current.replicas,
    globalBatchSize: globalBatchSize(history.current),
    microBatchSize: history.current.microBatchSize,
    initialGlobalBatchSize: limits.initialGlobalBatchSize,
    referenceSamples: evidence.progress.referenceSamples,
    seconds: 0,
    cost: 0,
    currency: 'USD',
    batchBand: { lowest: Math.min(...batches), highest: Math.max(...batches) },
    targetLoss: undefined,
    stepTime: {
      logMeans: posterior.logMeans,
      logCovariance: lowerTriangle(posterior.logCovariance, PARAMETERS),
      largestDataParallelSize: Math.max(...evidence.stepTimes.map(({ dataParallelSize }) => dataParallelSize)),
    },
    noise: evidence.noiseTrail,
    memory: [],
    restartSeconds: history.restartSeconds,
    predicted: undefined,
  };
}

/** All times threefold, the noise scale a fifth. */
function misleading(run: RunRecord): RunRecord {
  const { stepTime, noise } = run;
  const slower = new Set([LOG_OVERHEAD, LOG_PER_SAMPLE, LOG_WITHIN]);
  return {
    ...run,
    stepTime: stepTime && {
      ...stepTime,
      logMeans: stepTime.logMeans.map((value, index) => (slower.has(index) ? value + Math.log(3) : value)),
    },
    noise: noise.map((point) => ({ ...point, gradientNoiseScale: point.gradientNoiseScale / 5 })),
  };
}
