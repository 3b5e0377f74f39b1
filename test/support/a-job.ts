import type { Configuration } from '../../src/core/configuration.ts';
import { type Evidence, NO_EVIDENCE } from '../../src/core/estimate/evidence.ts';
import { type StepTimePoint, stepTimeVariance } from '../../src/core/estimate/step-time-point.ts';
import type {
  HeldByUser,
  JobHistory,
  JobLimits,
  JobSnapshot,
  PoolSnapshot,
  Snapshot,
} from '../../src/core/snapshot.ts';
import { aReading } from './a-reading.ts';
import { type TimedLayout, trueStepSeconds } from './simulated-trainer.ts';

/** The instant at which the built snapshots are taken, in seconds since the epoch. */
export const NOW = 1_000_000;

const LIMITS: JobLimits = {
  mode: 'Auto',
  batchMode: 'Auto',
  minReplicas: 1,
  maxReplicas: 1,
  sizes: { type: 'Any' },
  canRescale: false,
  canPause: false,
  gpusPerReplica: 1,
  initialReplicas: 1,
  initialGlobalBatchSize: 16,
  initialMicroBatchSize: 16,
  minGlobalBatchSize: 16,
  maxGlobalBatchSize: 4096,
  globalBatchSizeMultipleOf: 1,
  minMicroBatchSize: 1,
  maxMicroBatchSize: 4096,
  memoryHeadroomFraction: 0.1,
  learningRateRule: 'Sqrt',
  maxLossRegressionFraction: 0.05,
  lossWindowSteps: 200,
  objective: 'CostToTarget',
  work: { type: 'ReferenceSamples', referenceSamples: 10_000_000 },
  deadline: undefined,
  timeValuePerHour: 0,
  budgetCost: undefined,
  pools: ['pool'],
  minimumGainFraction: 0.05,
  cooldownSeconds: 120,
  batchCooldownSeconds: 30,
  maxBatchGrowthFactor: 4,
  maxRescalesPerHour: 6,
  maxGpus: undefined,
  maxPricePerHour: undefined,
  stalenessLimitSeconds: 60,
};

const HELD: HeldByUser = { everything: false, scaleUp: false, scaleDown: false, batch: false, until: undefined };

/** One rank on each worker unless `dataParallelSize` says otherwise. */
export function aConfiguration(parts: Partial<Configuration> = {}): Configuration {
  const replicas = parts.replicas ?? 1;
  return {
    pool: 'pool',
    replicas,
    // One GPU on each node, as `aPool` has it.
    nodes: replicas,
    dataParallelSize: replicas,
    microBatchSize: 16,
    gradientAccumulationSteps: 1,
    ...parts,
  };
}

const HISTORY: JobHistory = {
  current: aConfiguration(),
  busyWith: 'Nothing',
  unacknowledgedSince: undefined,
  lastReloadAt: undefined,
  lastResizeAt: undefined,
  resizedAt: [],
  microBatchSizeCeiling: undefined,
  globalBatchSizeCeiling: undefined,
  restartSeconds: 30,
  accruedCost: 0,
};

export interface JobParts {
  readonly key?: string;
  readonly limits?: Partial<JobLimits>;
  readonly held?: Partial<HeldByUser>;
  readonly history?: Partial<JobHistory>;
  readonly evidence?: Partial<Evidence>;
}

/** A job of which nothing has been measured yet, on one worker of pool `pool`. */
export function aJob(parts: JobParts = {}): JobSnapshot {
  return {
    key: parts.key ?? 'team/job',
    limits: { ...LIMITS, ...parts.limits },
    held: { ...HELD, ...parts.held },
    history: { ...HISTORY, ...parts.history },
    evidence: { ...NO_EVIDENCE, ...parts.evidence },
  };
}

/** What is true of a training, for evidence without noise of measurement. */
export interface KnownTraining {
  readonly overheadSeconds: number;
  readonly secondsPerSample: number;
  readonly synchronizationSeconds?: number;
  /** Undefined for a trainer without gradient statistics. */
  readonly gradientNoiseScale: number | undefined;
  /** Layouts that were timed. */
  readonly timed: readonly (TimedLayout & { readonly nodes?: number })[];
  readonly referenceSamplesDone?: number;
}

/** The mean of 200 steps in one window, on one node unless more are said. */
export function aStepTimePoint(parts: Partial<StepTimePoint> & Pick<StepTimePoint, 'meanSeconds'>): StepTimePoint {
  return {
    isBeforeChange: false,
    nodes: 1,
    dataParallelSize: 1,
    microBatchSize: 16,
    gradientAccumulationSteps: 1,
    weight: 200,
    computeSeconds: undefined,
    windows: 1,
    precision: 1 / stepTimeVariance(200),
    ...parts,
  };
}

/** Evidence of a job that was watched long enough to be judged. */
export function evidenceOf(training: KnownTraining): Evidence {
  const { gradientNoiseScale } = training;
  const done = training.referenceSamplesDone ?? 1_000_000;
  return {
    stepTimes: training.timed.map((layout) =>
      aStepTimePoint({ ...layout, meanSeconds: trueStepSeconds(training, layout) }),
    ),
    scatter: NO_EVIDENCE.scatter,
    watch: NO_EVIDENCE.watch,
    changedAt: undefined,
    noise:
      gradientNoiseScale === undefined
        ? NO_EVIDENCE.noise
        : {
            // Both means known within 5 %: sd² = spread / windows / weight.
            observations: 400,
            windows: 20,
            signal: 1,
            trace: gradientNoiseScale,
            signalWeight: 4,
            traceWeight: 4 / gradientNoiseScale ** 2,
            signalSpread: 20 * 0.01,
            traceSpread: 20 * 0.01,
          },
    noiseTrail: [],
    memory: [],
    losses: [],
    progress: {
      ...NO_EVIDENCE.progress,
      steps: 10_000,
      samples: done,
      referenceSamples: done,
      samplesPerSecond: 1000,
      lastStepAt: NOW - 1,
    },
    cleanReadings: 10,
    last: aReading({ observedAt: NOW - 1 }),
  };
}

export function aPool(parts: Partial<PoolSnapshot> = {}): PoolSnapshot {
  return {
    name: 'pool',
    gpusPerNode: 1,
    maxNodes: 16,
    foreignGpus: 0,
    billing: 'Node',
    pricePerNodeHour: 3.6,
    currency: 'USD',
    provisioningSeconds: 60,
    stockOutUntil: undefined,
    ...parts,
  };
}

export function aSnapshot(jobs: readonly JobSnapshot[], pools: readonly PoolSnapshot[] = [aPool()]): Snapshot {
  return { now: NOW, jobs, pools };
}
