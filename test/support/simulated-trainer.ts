import { type Configuration, globalBatchSize } from '../../src/core/configuration.ts';
import type { TrainerReading } from '../../src/core/estimate/reading.ts';
import { ringFactor } from '../../src/core/model/step-time.ts';
import { normalNumbers } from '../../src/simulator/random.ts';
import { aReading } from './a-reading.ts';

/** What is true of a simulated training and hidden from the planner. */
export interface Training {
  readonly overheadSeconds: number;
  readonly secondsPerSample: number;
  readonly synchronizationSeconds: number;
  /** Noise scale at the start and at the end of the run; it grows geometrically between. */
  readonly noiseScaleStart: number;
  readonly noiseScaleEnd: number;
  /** Optimizer steps to the target with an endless batch (S_min). */
  readonly minimumSteps: number;
  readonly memoryBaseBytes: number;
  readonly memoryBytesPerSample: number;
  readonly memoryLimitBytes: number;
  /** Relative standard deviation of the time of one step. */
  readonly timingSd: number;
  /** Relative standard deviation of one observed |g|². */
  readonly gradientSd: number;
  readonly observeEverySteps: number;
  readonly exportsGradients: boolean;
  readonly exportsMemory: boolean;
}

export function noiseScaleAt(training: Training, progress: number): number {
  return training.noiseScaleStart * (training.noiseScaleEnd / training.noiseScaleStart) ** Math.min(1, progress);
}

export type TimedLayout = Pick<Configuration, 'dataParallelSize' | 'microBatchSize' | 'gradientAccumulationSteps'>;

/** s·(a + b·m) + c·ring: an exchange in a ring that nothing hides, whatever the nodes. */
export function trueStepSeconds(
  training: Pick<Training, 'overheadSeconds' | 'secondsPerSample'> & Partial<Pick<Training, 'synchronizationSeconds'>>,
  layout: TimedLayout,
): number {
  const pass = training.overheadSeconds + training.secondsPerSample * layout.microBatchSize;
  const exchange = (training.synchronizationSeconds ?? 0) * ringFactor(layout.dataParallelSize);
  return layout.gradientAccumulationSteps * pass + exchange;
}

/** Reference samples that the whole run takes: what its user would state, having trained at the reference batch. */
export function referenceSamplesOf(training: Training, referenceBatchSize: number): number {
  const parts = 1000;
  let total = 0;
  for (let part = 0; part < parts; part++) {
    total += (training.minimumSteps / parts) * (noiseScaleAt(training, (part + 0.5) / parts) + referenceBatchSize);
  }
  return total;
}

/** A trainer that obeys S(B) = S_min·(1 + B_noise/B) and T = s·(a + b·m) + c·ring, step by step. */
export class SimulatedTrainer {
  readonly #training: Training;
  readonly #normal: () => number;
  /** Share of the run that is done, 0 to 1. */
  progress = 0;
  steps = 0;
  /** Multiplies step times: 1.3 is a machine slowed by 30 %. */
  slowdown = 1;
  configVersion = 1;
  rejectedVersion: number | undefined;
  configuration: Configuration;
  #samples = 0;
  #stepSecondsSum = 0;
  #stepSecondsCount = 0;
  #smallSum = 0;
  #largeSum = 0;
  #observations = 0;
  #peakBytes = 0;

  constructor(training: Training, configuration: Configuration, seed: number) {
    this.#training = training;
    this.#normal = normalNumbers(seed);
    this.configuration = configuration;
    this.#peakBytes = this.bytesFor(configuration.microBatchSize);
  }

  bytesFor(microBatchSize: number): number {
    return this.#training.memoryBaseBytes + this.#training.memoryBytesPerSample * microBatchSize;
  }

  /** Takes a tuning at the next step, or rejects it for want of memory. */
  apply(version: number, configuration: Configuration): void {
    if (this.bytesFor(configuration.microBatchSize) > this.#training.memoryLimitBytes) {
      this.rejectedVersion = version;
      return;
    }
    this.configuration = configuration;
    this.configVersion = version;
    this.#peakBytes = this.bytesFor(configuration.microBatchSize);
  }

  /** New processes: the step goes on from the checkpoint, all other counters begin at zero. */
  restart(): void {
    this.#samples = 0;
    this.#stepSecondsSum = 0;
    this.#stepSecondsCount = 0;
    this.#smallSum = 0;
    this.#largeSum = 0;
    this.#observations = 0;
  }

  /** One optimizer step; answers the seconds it took. */
  step(): number {
    const training = this.#training;
    const batch = globalBatchSize(this.configuration);
    const noise = noiseScaleAt(training, this.progress);
    const undisturbed = trueStepSeconds(training, this.configuration) * this.slowdown;
    const seconds = undisturbed * Math.max(0.5, 1 + training.timingSd * this.#normal());
    this.progress += 1 / (training.minimumSteps * (1 + noise / batch));
    this.steps += 1;
    this.#samples += batch;
    this.#stepSecondsSum += seconds * this.configuration.dataParallelSize;
    this.#stepSecondsCount += this.configuration.dataParallelSize;
    if (training.exportsGradients && this.steps % training.observeEverySteps === 0) this.#observe(noise);
    return seconds;
  }

  #observe(noise: number): void {
    const { small, large } = this.#observedBatches();
    // Gradients shrink as the run goes on; the noise scale is a ratio and must not feel it.
    const signal = Math.exp(-2 * this.progress);
    const scatter = this.#training.gradientSd;
    this.#smallSum += signal * (1 + noise / small) * (1 + (scatter / Math.sqrt(large / small)) * this.#normal());
    this.#largeSum += signal * (1 + noise / large) * (1 + scatter * this.#normal());
    this.#observations += 1;
  }

  /** With one pass per step the only rank halves its micro batch, as the SDK does. */
  #observedBatches(): { readonly small: number; readonly large: number } {
    const { microBatchSize, gradientAccumulationSteps, dataParallelSize } = this.configuration;
    const large = globalBatchSize(this.configuration);
    return { small: gradientAccumulationSteps * dataParallelSize > 1 ? microBatchSize : microBatchSize / 2, large };
  }

  read(observedAt: number): TrainerReading {
    const { exportsGradients, exportsMemory, memoryLimitBytes } = this.#training;
    const { small, large } = this.#observedBatches();
    return aReading({
      observedAt,
      ranks: this.configuration.dataParallelSize,
      steps: this.steps,
      samples: this.#samples,
      stepSecondsSum: this.#stepSecondsSum,
      stepSecondsCount: this.#stepSecondsCount,
      gradientSmallSum: exportsGradients ? this.#smallSum : undefined,
      gradientLargeSum: exportsGradients ? this.#largeSum : undefined,
      gradientObservations: exportsGradients ? this.#observations : undefined,
      gradientSmallBatch: exportsGradients ? small : undefined,
      gradientLargeBatch: exportsGradients ? large : undefined,
      memoryUsedBytes: exportsMemory ? this.#peakBytes : undefined,
      memoryLimitBytes: exportsMemory ? memoryLimitBytes : undefined,
      configVersion: this.configVersion,
      rejectedVersion: this.rejectedVersion,
      rejectionReason: this.rejectedVersion === undefined ? undefined : 'out_of_memory',
    });
  }
}
