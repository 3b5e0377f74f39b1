import type { Configuration } from '../../core/configuration.ts';
import { type Evidence, foldReading, NO_EVIDENCE } from '../../core/estimate/evidence.ts';
import type { TrainerReading } from '../../core/estimate/reading.ts';
import type { HeldByUser, JobHistory, JobLimits, JobSnapshot, KnownSpeed } from '../../core/snapshot.ts';
import type { Scenario } from '../scenario.ts';
import type { SimulatedJob, Target } from './simulated-job.ts';

/** Share of a refused micro batch that is tried next. */
const RETRY_SHARE = 0.8;
const NOBODY: HeldByUser = { everything: false, scaleUp: false, scaleDown: false, batch: false, until: undefined };

/** What the operator knows of one job: what its user stated, what it did itself, and what the metrics told. */
export class WatchedJob {
  readonly #job: SimulatedJob;
  readonly #limits: JobLimits;
  readonly #gpusPerNode: ReadonlyMap<string, number>;
  #evidence: Evidence = NO_EVIDENCE;
  #acknowledged = 0;
  #microBatchSizeCeiling: number | undefined;
  readonly #knownSpeed: KnownSpeed | undefined;
  /** Whether its deadline was promised, as the operator would write it into the status. */
  isPromised = false;

  constructor(job: SimulatedJob, scenario: Scenario, startsAt: number) {
    this.#job = job;
    this.#gpusPerNode = new Map(scenario.pools.map(({ name, gpusPerNode }) => [name, gpusPerNode]));
    this.#limits = limitsOf(job, scenario, startsAt);
    const [pool] = this.#limits.pools;
    const sizes = job.arriving.profiled?.map(({ gpus, samplesPerSecond }) => ({ replicas: gpus, samplesPerSecond }));
    this.#knownSpeed = sizes === undefined || pool === undefined ? undefined : { pool, sizes };
  }

  get job(): SimulatedJob {
    return this.#job;
  }

  get limits(): JobLimits {
    return this.#limits;
  }

  learn(reading: TrainerReading): void {
    const target = this.#job.targets.get(reading.configVersion ?? -1);
    const inForce = target === undefined ? undefined : this.#configurationOf(target);
    this.#evidence = foldReading(this.#evidence, reading, inForce, this.#limits.initialGlobalBatchSize);
    if (reading.rejectedVersion === this.#job.version && target !== undefined) {
      this.#microBatchSizeCeiling = Math.floor((this.#job.target?.microBatchSize ?? 1) * RETRY_SHARE);
      this.#job.setTarget(target);
      this.#acknowledged = this.#job.version;
    }
    this.#acknowledged = Math.max(this.#acknowledged, reading.configVersion ?? 0);
  }

  snapshot(startsAt: number, accruedCost: number, restartSeconds: number): JobSnapshot {
    const { resizedAt, reloadedAt, name, arriving } = this.#job;
    const lastResizeAt = resizedAt.at(-1);
    const history: JobHistory = {
      current: this.#current(),
      isPromised: this.isPromised,
      busyWith: this.#busyWith(),
      unacknowledgedSince: undefined,
      lastReloadAt: reloadedAt === undefined ? undefined : startsAt + reloadedAt,
      lastResizeAt: lastResizeAt === undefined ? undefined : startsAt + lastResizeAt,
      resizedAt: resizedAt.slice(-20).map((at) => startsAt + at),
      microBatchSizeCeiling: this.#microBatchSizeCeiling,
      globalBatchSizeCeiling: undefined,
      // Known once the job has been restarted.
      restartSeconds: lastResizeAt === undefined ? undefined : restartSeconds,
      accruedCost,
    };
    return {
      key: name,
      submittedAt: startsAt + arriving.submittedAt,
      ...(this.#knownSpeed && { knownSpeed: this.#knownSpeed }),
      limits: this.#limits,
      held: NOBODY,
      history,
      evidence: this.#evidence,
    };
  }

  /** Without workers before the start; what a paused job ran on is what it goes on with. */
  #current(): Configuration {
    const target = this.#target();
    if (target !== undefined) return this.#configurationOf(target);
    const { pools, initialMicroBatchSize: microBatchSize } = this.#limits;
    const pool = pools[0] ?? '';
    return { pool, replicas: 0, nodes: 0, dataParallelSize: 0, microBatchSize, gradientAccumulationSteps: 1 };
  }

  #target(): Target | undefined {
    const { target, state, targets, version } = this.#job;
    return target ?? (state === 'Paused' ? targets.get(version) : undefined);
  }

  #configurationOf(target: Target): Configuration {
    return configurationOf(target, this.#job, this.#gpusPerNode.get(target.pool) ?? 1);
  }

  #busyWith(): JobHistory['busyWith'] {
    const { state, pending, version } = this.#job;
    if (this.#target() === undefined) return 'Waiting';
    if (state === 'Restarting' || pending?.what === 'NodesReady') return 'Resize';
    if (state === 'Paused') return 'Paused';
    if (state !== 'Running') return 'NotRunning';
    return this.#acknowledged < version ? 'Reload' : 'Nothing';
  }
}

/** Nodes as they were granted; for a target without a grant, as best fit would fill them. */
function configurationOf(target: Target, { grant, gpus }: SimulatedJob, gpusPerNode: number): Configuration {
  const isGranted = grant?.pool.name === target.pool && gpus === target.gpus;
  return {
    pool: target.pool,
    replicas: target.gpus,
    nodes: isGranted ? grant.parts.length : Math.ceil(target.gpus / gpusPerNode),
    dataParallelSize: target.gpus,
    microBatchSize: target.microBatchSize,
    gradientAccumulationSteps: target.gradientAccumulationSteps,
  };
}

/** As a TrainingJob of this kind and the default ScalingPolicy would have them; the scenario may say otherwise. */
function limitsOf({ arriving }: SimulatedJob, scenario: Scenario, startsAt: number): JobLimits {
  const { world, deadline, batchIsFree, requested } = arriving;
  const initial = batchIsFree ? world.referenceBatchSize : requested.globalBatchSize;
  const largest = Math.max(...scenario.pools.map((pool) => pool.maxNodes * pool.gpusPerNode));
  const { limits } = scenario;
  return {
    mode: 'Auto',
    batchMode: batchIsFree ? 'Auto' : 'Off',
    minReplicas: 1,
    maxReplicas: Math.min(world.maxGpus, largest),
    sizes: { type: 'Any' },
    canRescale: true,
    canPause: limits.canPause ?? false,
    gpusPerReplica: 1,
    initialReplicas: 1,
    initialGlobalBatchSize: initial,
    initialMicroBatchSize: Math.min(initial, world.maxMicroBatchSize),
    minGlobalBatchSize: initial,
    maxGlobalBatchSize: batchIsFree ? world.maxGlobalBatchSize : initial,
    globalBatchSizeMultipleOf: 1,
    minMicroBatchSize: Math.min(world.minMicroBatchSize, initial),
    maxMicroBatchSize: world.maxMicroBatchSize,
    memoryHeadroomFraction: 0.1,
    learningRateRule: 'AdaScale',
    maxLossRegressionFraction: 0.05,
    lossWindowSteps: 200,
    objective: 'CostToTarget',
    work: { type: 'ReferenceSamples', referenceSamples: world.course(initial).steps * initial },
    deadline: deadline === undefined ? undefined : startsAt + deadline,
    timeValuePerHour: scenario.objective.timeValuePerHour,
    budgetCost: undefined,
    pools: scenario.pools.map((pool) => pool.name),
    minimumGainFraction: limits.minimumGainFraction ?? 0.05,
    cooldownSeconds: limits.cooldownSeconds ?? 120,
    batchCooldownSeconds: limits.batchCooldownSeconds ?? 30,
    maxBatchGrowthFactor: limits.maxBatchGrowthFactor ?? 4,
    maxRescalesPerHour: limits.maxRescalesPerHour ?? 6,
    maxGpus: limits.maxGpus,
    maxPricePerHour: undefined,
    stalenessLimitSeconds: Math.max(60, 4 * scenario.scrapeIntervalSeconds + scenario.scrapeLagSeconds),
  };
}
