import type { Configuration, InstantSeconds } from './configuration.ts';
import type { Evidence } from './estimate/evidence.ts';
import type { JobPrior } from './estimate/job-prior.ts';
import type { WeeklyHours } from './plan/weekly-hours.ts';

/**
 * What is known at one instant: the only input of every decision.
 *
 * Frozen and serialisable, so that a decision can be replayed from a bug report. `undefined` means
 * "not known" and is never read as zero.
 */

export type Mode = 'Observe' | 'Recommend' | 'Auto';
export type LearningRateRule = 'None' | 'Linear' | 'Sqrt' | 'AdaScale';
export type AllowedSizes =
  | { readonly type: 'Any' }
  | { readonly type: 'PowersOfTwo' }
  | { readonly type: 'MultipleOf'; readonly multipleOf: number }
  | { readonly type: 'List'; readonly values: readonly number[] };

/** Work to be done, counted in samples at the initial global batch (reference samples). */
export type Work =
  | { readonly type: 'ReferenceSamples'; readonly referenceSamples: number }
  | { readonly type: 'ValidationLoss'; readonly target: number }
  | { readonly type: 'Unknown' };

/** What a job may wait for, and what it must not run in. */
export interface EcoLimits {
  /** `Require` stays out of excluded hours even where that is dearer. */
  readonly mode: 'Prefer' | 'Require';
  /** Whether prices alone are a reason to wait; otherwise only windows and limits are. */
  readonly followsPrices: boolean;
  /** Currency per kg CO2e in the choice of hours; not billed. */
  readonly carbonPricePerKilogram: number;
  readonly maxPricePerKwh: number | undefined;
  readonly maxKgCo2ePerKwh: number | undefined;
  readonly minRenewableShare: number | undefined;
  /** In all, over all pauses. */
  readonly maxDelaySeconds: number | undefined;
  /** For cheaper hours, in the life of the job. */
  readonly maxPauses: number;
  /** Whether excluded hours are kept out of though the deadline is missed by it. */
  readonly mayMissDeadline: boolean;
  /** To run in, one of them; undefined at any time. */
  readonly allowed: WeeklyHours | undefined;
  readonly forbidden: WeeklyHours | undefined;
}

/** The user's and the administrator's limits, already merged. */
export interface JobLimits {
  readonly mode: Mode;
  readonly batchMode: 'Off' | 'Recommend' | 'Auto';
  readonly minReplicas: number;
  readonly maxReplicas: number;
  readonly sizes: AllowedSizes;
  readonly canRescale: boolean;
  /** Whether the job may stand still while hours are dear. */
  readonly canPause: boolean;
  /** Undefined takes hours by their prices alone. */
  readonly eco?: EcoLimits | undefined;
  readonly gpusPerReplica: number;
  readonly initialReplicas: number;
  readonly initialGlobalBatchSize: number;
  readonly initialMicroBatchSize: number;
  readonly minGlobalBatchSize: number;
  readonly maxGlobalBatchSize: number;
  readonly globalBatchSizeMultipleOf: number;
  readonly minMicroBatchSize: number;
  readonly maxMicroBatchSize: number | undefined;
  readonly memoryHeadroomFraction: number;
  readonly learningRateRule: LearningRateRule;
  readonly maxLossRegressionFraction: number;
  readonly lossWindowSteps: number;
  readonly objective: 'CostToTarget' | 'TimeToTarget';
  readonly work: Work;
  readonly deadline: InstantSeconds | undefined;
  readonly timeValuePerHour: number;
  readonly budgetCost: number | undefined;
  readonly pools: readonly string[];
  readonly minimumGainFraction: number;
  readonly cooldownSeconds: number;
  readonly batchCooldownSeconds: number;
  readonly maxBatchGrowthFactor: number;
  readonly maxRescalesPerHour: number;
  readonly maxGpus: number | undefined;
  /** What the job's workers may cost per hour, in the currency of the pool. */
  readonly maxPricePerHour: number | undefined;
  readonly stalenessLimitSeconds: number;
}

/** What people asked to be left alone, by annotation. */
export interface HeldByUser {
  readonly everything: boolean;
  readonly scaleUp: boolean;
  readonly scaleDown: boolean;
  readonly batch: boolean;
  readonly until: InstantSeconds | undefined;
}

/** What the operator itself has done with the job so far. */
export interface JobHistory {
  /** Without workers while it waits for its start. */
  readonly current: Configuration;
  /**
   * A tuning not acknowledged yet, a resize under way, a job that does not run, or one that was never started; `Paused`
   * by Stepwise until cheaper hours, when `current` is what it ran on.
   */
  readonly busyWith: 'Nothing' | 'Reload' | 'Resize' | 'NotRunning' | 'Waiting' | 'Paused';
  /** Whether a deadline was promised to it before its start. */
  readonly isPromised?: boolean;
  /** Pauses for cheaper hours so far, the present one included, and the seconds waited in those that are over. */
  readonly pauses?: number;
  readonly pausedSeconds?: number;
  /** When the present pause began, that before a start included. */
  readonly pausedSince?: InstantSeconds | undefined;
  /** Version of the last tuning that timed out without an answer, until it is acknowledged. */
  readonly unacknowledgedSince: InstantSeconds | undefined;
  readonly lastReloadAt: InstantSeconds | undefined;
  readonly lastResizeAt: InstantSeconds | undefined;
  readonly resizedAt: readonly InstantSeconds[];
  /** Largest micro batch that may be tried again after an out-of-memory rejection. */
  readonly microBatchSizeCeiling: number | undefined;
  /** Largest global batch allowed after a rollback for loss regression. */
  readonly globalBatchSizeCeiling: number | undefined;
  /** Measured time without steps of the job's own resizes; undefined before the first. */
  readonly restartSeconds: number | undefined;
  readonly accruedCost: number;
}

/** Speed at the initial global batch by number of workers, as a profile of the job told it before its start. */
export interface KnownSpeed {
  readonly pool: string;
  readonly sizes: readonly { readonly replicas: number; readonly samplesPerSecond: number }[];
}

export interface JobSnapshot {
  readonly key: string;
  /** Of jobs that are equally urgent the one that came first is started first. */
  readonly submittedAt?: InstantSeconds;
  readonly knownSpeed?: KnownSpeed;
  /** What earlier runs of its family or its declared model tell of it, pool by pool. */
  readonly priors?: readonly JobPrior[];
  readonly limits: JobLimits;
  readonly held: HeldByUser;
  readonly history: JobHistory;
  readonly evidence: Evidence;
}

/** A stretch of time with one price of electricity and one of the nodes; forecast, but for the one that has begun. */
export interface PoolHour {
  /** Half-open. */
  readonly from: InstantSeconds;
  readonly to: InstantSeconds;
  /** What electricity costs that the price of a node does not include; may be negative. */
  readonly moneyPerKwh: number | undefined;
  /** What it costs on the market, for limits where the price of a node includes it; `moneyPerKwh` unless said. */
  readonly marketPricePerKwh?: number | undefined;
  /** Of the basis that the pool's source has; undefined where it is not known. */
  readonly kgCo2ePerKwh?: number | undefined;
  /** 0 to 1. */
  readonly renewableShare?: number | undefined;
  /** What the price of a node is multiplied by, as that of spot capacity. */
  readonly rentFactor: number | undefined;
  /** Standard deviation of the forecast as a share of it; undefined takes it at its word. */
  readonly relativeError: number | undefined;
}

export interface PoolSnapshot {
  readonly name: string;
  readonly gpusPerNode: number;
  readonly maxNodes: number;
  /** Nodes that are paid for whether or not they are used; none unless said. */
  readonly paidNodes?: number;
  /** GPUs held by pods that are not Stepwise's. */
  readonly foreignGpus: number;
  readonly billing: 'Node' | 'Gpu';
  readonly pricePerNodeHour: number;
  readonly currency: string;
  /** GPUs that other jobs hold of nodes which they do not fill; the planner finds them, a snapshot need not. */
  readonly fillers?: number;
  /** Seconds from asking for a node until its GPUs are usable; undefined before the first. */
  readonly provisioningSeconds: number | undefined;
  /** From now on, where prices change by the hour; without them all hours are alike. */
  readonly hours?: readonly PoolHour[];
  /** What the carbon of the hours counts; intensities of two bases are never compared. */
  readonly carbonBasis?: 'Marginal' | 'Average' | 'Lifecycle';
  /** At the meter, of a GPU that trains over one that nobody holds: power × PUE. */
  readonly kilowattsPerGpu?: number;
  /** Recent failure to deliver nodes: nothing is asked of the pool until then. */
  readonly stockOutUntil: InstantSeconds | undefined;
}

/** One node and who holds its GPUs. */
export interface NodeSnapshot {
  readonly name: string;
  readonly pool: string;
  readonly held: readonly { readonly key: string; readonly gpus: number }[];
  readonly foreignGpus: number;
}

export interface Snapshot {
  readonly now: InstantSeconds;
  readonly jobs: readonly JobSnapshot[];
  readonly pools: readonly PoolSnapshot[];
  /** Where it can be chosen on which nodes workers stand; without them no job is moved from one node to another. */
  readonly nodes?: readonly NodeSnapshot[];
}
