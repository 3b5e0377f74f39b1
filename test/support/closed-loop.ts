import { type Configuration, globalBatchSize, sameBatch } from '../../src/core/configuration.ts';
import { type Evidence, foldReading, NO_EVIDENCE } from '../../src/core/estimate/evidence.ts';
import { ratePerHour } from '../../src/core/model/cost-rate.ts';
import { type JobDecision, planFleet } from '../../src/core/plan-fleet.ts';
import type { JobHistory, JobLimits, PoolSnapshot } from '../../src/core/snapshot.ts';
import { aJob, aPool } from './a-job.ts';
import {
  noiseScaleAt,
  referenceSamplesOf,
  SimulatedTrainer,
  type Training,
  trueStepSeconds,
} from './simulated-trainer.ts';

export const REFERENCE_TRAINING: Training = {
  overheadSeconds: 0.0069,
  secondsPerSample: 0.000065,
  synchronizationSeconds: 0.002,
  noiseScaleStart: 300,
  noiseScaleEnd: 1300,
  minimumSteps: 2000,
  memoryBaseBytes: 2e9,
  memoryBytesPerSample: 1e6,
  memoryLimitBytes: 80e9,
  timingSd: 0.04,
  gradientSd: 0.1,
  observeEverySteps: 16,
  exportsGradients: true,
  exportsMemory: true,
};

export interface LoopOptions {
  readonly training: Training;
  readonly start: Configuration;
  readonly limits?: Partial<JobLimits>;
  readonly pool?: PoolSnapshot;
  readonly readEverySeconds: number;
  readonly seed: number;
  /** Called before every reading with the seconds since the start; may disturb the trainer or lose the reading. */
  readonly disturb?: (seconds: number, trainer: SimulatedTrainer) => 'Lost' | undefined;
}

export interface LoopResult {
  readonly cost: number;
  readonly seconds: number;
  readonly finished: boolean;
  readonly decisions: readonly { readonly atSeconds: number; readonly decision: JobDecision }[];
  /** Decisions that changed something. */
  readonly changes: readonly { readonly atSeconds: number; readonly decision: JobDecision }[];
  readonly final: Configuration;
}

const RELOAD_SECONDS = 2;
const RESTART_SECONDS = 30;
const START = 1_000_000;
/** A run that takes this long has gone wrong; the loop then ends unfinished. */
const MAX_SECONDS = 50_000;

/** Runs one training to its end under `planFleet`, on a virtual clock, as the operator would. */
export function runClosedLoop(options: LoopOptions): LoopResult {
  return new Loop(options).run();
}

class Loop {
  readonly #options: LoopOptions;
  readonly #limits: Partial<JobLimits>;
  readonly #pool: PoolSnapshot;
  readonly #trainer: SimulatedTrainer;
  readonly #configurations = new Map<number, Configuration>();
  readonly #decisions: { readonly atSeconds: number; readonly decision: JobDecision }[] = [];
  #evidence: Evidence = NO_EVIDENCE;
  #history: JobHistory;
  #cost = 0;
  #now = START;
  #pending: { readonly version: number; readonly target: Configuration; readonly at: number } | undefined;
  #version = 1;

  constructor(options: LoopOptions) {
    const { start, training } = options;
    this.#options = options;
    this.#pool = options.pool ?? aPool();
    this.#trainer = new SimulatedTrainer(training, start, options.seed);
    const initial = globalBatchSize(start);
    this.#limits = {
      initialReplicas: start.replicas,
      initialGlobalBatchSize: initial,
      initialMicroBatchSize: start.microBatchSize,
      minGlobalBatchSize: 1,
      work: { type: 'ReferenceSamples', referenceSamples: referenceSamplesOf(training, initial) },
      ...options.limits,
    };
    this.#history = { ...aJob().history, current: start, restartSeconds: undefined };
    this.#configurations.set(1, start);
  }

  run(): LoopResult {
    let readAt = this.#now + this.#options.readEverySeconds;
    while (this.#trainer.progress < 1 && this.#now - START < MAX_SECONDS) {
      this.#applyPending();
      this.#spend(this.#trainer.step());
      if (this.#now < readAt) continue;
      readAt +=
        this.#options.readEverySeconds * Math.ceil((this.#now - readAt + 1e-9) / this.#options.readEverySeconds);
      this.#cycle();
    }
    return {
      cost: this.#cost,
      seconds: this.#now - START,
      finished: this.#trainer.progress >= 1,
      decisions: this.#decisions,
      changes: this.#decisions.filter(({ decision }) => decision.action === 'Reload' || decision.action === 'Resize'),
      final: this.#trainer.configuration,
    };
  }

  #spend(seconds: number): void {
    const rate = ratePerHour(this.#pool, this.#trainer.configuration.replicas, 1);
    this.#cost += (rate * seconds) / 3600;
    this.#now += seconds;
  }

  #applyPending(): void {
    const pending = this.#pending;
    if (pending === undefined || this.#now < pending.at) return;
    const resize = pending.target.replicas !== this.#trainer.configuration.replicas;
    if (resize) {
      this.#spend(RESTART_SECONDS);
      this.#trainer.restart();
    }
    this.#trainer.apply(pending.version, pending.target);
    if (resize) {
      this.#history = {
        ...this.#history,
        lastResizeAt: this.#now,
        resizedAt: [...this.#history.resizedAt, this.#now],
        restartSeconds: RESTART_SECONDS,
      };
    }
    this.#pending = undefined;
  }

  #cycle(): void {
    if (this.#options.disturb?.(this.#now - START, this.#trainer) !== 'Lost') {
      const reading = this.#trainer.read(this.#now);
      const initial = aJob({ limits: this.#limits }).limits.initialGlobalBatchSize;
      const inForce = this.#configurations.get(reading.configVersion ?? -1);
      this.#evidence = foldReading(this.#evidence, reading, inForce, initial);
      this.#acknowledge();
    }
    const job = aJob({ limits: this.#limits, history: this.#history, evidence: this.#evidence });
    const decision = planFleet({ now: this.#now, jobs: [job], pools: [this.#pool] }).decisions[0];
    if (decision === undefined) throw new Error('planFleet gave no decision for the only job');
    this.#decisions.push({ atSeconds: this.#now - START, decision });
    if (decision.action === 'Reload' || decision.action === 'Resize') this.#send(decision);
  }

  #send(decision: JobDecision): void {
    this.#version += 1;
    this.#configurations.set(this.#version, decision.target);
    this.#pending = { version: this.#version, target: decision.target, at: this.#now + RELOAD_SECONDS };
    const batch = !sameBatch(decision.target, this.#history.current);
    this.#history = {
      ...this.#history,
      busyWith: decision.action === 'Resize' ? 'Resize' : 'Reload',
      lastReloadAt: batch ? this.#now : this.#history.lastReloadAt,
    };
  }

  /** Reads the trainer's answer to the last tuning. */
  #acknowledge(): void {
    if (this.#history.busyWith === 'Nothing') return;
    if (this.#trainer.configVersion === this.#version) {
      this.#history = { ...this.#history, current: this.#trainer.configuration, busyWith: 'Nothing' };
    } else if (this.#trainer.rejectedVersion === this.#version) {
      const refused = this.#configurations.get(this.#version)?.microBatchSize ?? 1;
      const microBatchSizeCeiling = Math.max(1, Math.floor(refused * 0.8));
      this.#history = { ...this.#history, busyWith: 'Nothing', microBatchSizeCeiling };
    }
  }
}

/** Cost of the whole run at one global batch on one worker, without noise, and its seconds. */
export function fixedBatch(training: Training, batch: number, pool = aPool()): { cost: number; seconds: number } {
  const usable = (training.memoryLimitBytes * 0.9 - training.memoryBaseBytes) / training.memoryBytesPerSample;
  const passes = Math.ceil(batch / Math.max(1, Math.floor(usable)));
  const seconds = trueStepSeconds(training, {
    dataParallelSize: 1,
    microBatchSize: batch / passes,
    gradientAccumulationSteps: passes,
  });
  const parts = 200;
  let steps = 0;
  for (let part = 0; part < parts; part++) {
    steps += (training.minimumSteps / parts) * (1 + noiseScaleAt(training, (part + 0.5) / parts) / batch);
  }
  return { cost: (steps * seconds * ratePerHour(pool, 1, 1)) / 3600, seconds: steps * seconds };
}

/** The one batch that would have been cheapest for the whole run, known only afterwards. */
export function bestFixedBatch(
  training: Training,
  limits: { readonly min: number; readonly max: number },
): { readonly batch: number; readonly cost: number; readonly seconds: number } {
  let best = { batch: limits.min, ...fixedBatch(training, limits.min) };
  for (let batch = limits.min; batch <= limits.max; batch = Math.max(batch + 1, Math.round(batch * 1.02))) {
    const tried = { batch, ...fixedBatch(training, batch) };
    if (tried.cost < best.cost) best = tried;
  }
  return best;
}
