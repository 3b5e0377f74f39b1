import type { TrainerReading } from '../../core/estimate/reading.ts';
import type { Course, Placement, TrainingWorld } from './training-world.ts';

/** How a run is laid out on its GPUs, one rank on each. */
export interface Layout {
  readonly placement: Placement;
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
  /** Samples in a step; below the product of the others where the last rank has less to do. */
  readonly globalBatchSize: number;
}

export interface RunOptions {
  readonly world: TrainingWorld;
  readonly normal: () => number;
  readonly checkpointEverySeconds: number;
  /** Relative standard deviation of a window's measured step time, and of one observed |g|². */
  readonly timingNoise: number;
  readonly gradientNoise: number;
}

const STEPS_PER_GRADIENT_OBSERVATION = 20;
/**
 * Memory was not measured: the largest micro batch that was trained with is taken to fill so much of the GPU, and the
 * weights, their gradients and the library a tenth.
 */
const MEMORY_LIMIT_BYTES = 15 * 2 ** 30;
const FILLED_SHARE = 0.9;
const BASE_SHARE = 0.1;

/** Counters of the running processes: a restart sets them back. */
interface Counters {
  samples: number;
  stepSeconds: number;
  computeSeconds: number;
  countedSteps: number;
  gradientSmall: number;
  gradientLarge: number;
  gradientObservations: number;
}

const NO_COUNTS: Counters = {
  samples: 0,
  stepSeconds: 0,
  computeSeconds: 0,
  countedSteps: 0,
  gradientSmall: 0,
  gradientLarge: 0,
  gradientObservations: 0,
};

/**
 * One training, advanced over any span of time at once: how far it gets is exact, what its metrics page shows of it
 * scatters. Speaks trainer protocol v1 as the operator reads it, summed over the ranks.
 */
export class TrainingRun {
  readonly #options: RunOptions;
  #layout: Layout | undefined;
  #version = 0;
  #rejectedVersion: number | undefined;
  #course: Course | undefined;
  #stepSeconds = Number.NaN;
  #computeShare = 1;
  /** Steps at the present batch that the share done is worth. */
  #position = 0;
  #share = 0;
  /** Optimizer steps in all; they go on from the checkpoint after a restart. */
  #steps = 0;
  #counters: Counters = { ...NO_COUNTS };
  #uncounted = { fromShare: 0, fromSteps: 0 };
  #saved = { share: 0, steps: 0 };
  #sinceSaved = 0;

  constructor(options: RunOptions) {
    this.#options = options;
  }

  get share(): number {
    return this.#share;
  }

  get layout(): Layout | undefined {
    return this.#layout;
  }

  get isDone(): boolean {
    return this.#share >= 1;
  }

  /** Seconds until the end of the training if nothing is changed; infinite while it stands. */
  get secondsToEnd(): number {
    if (this.#course === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#course.steps - this.#position) * this.#stepSeconds;
  }

  /** New processes go on from where the last ones stopped. */
  start(layout: Layout, version: number): void {
    this.#counters = { ...NO_COUNTS };
    this.#lay(layout, version);
    this.#sinceSaved = 0;
  }

  /** Another batch on the same ranks; refused when it does not fit into memory. */
  reload(layout: Layout, version: number): void {
    if (layout.microBatchSize > this.#options.world.maxMicroBatchSize) {
      this.#rejectedVersion = version;
      return;
    }
    this.#count();
    this.#lay(layout, version);
  }

  /** Ends the processes; what was done since the last checkpoint is lost unless it is saved first. */
  stop(how: 'Saved' | 'Lost'): void {
    this.#count();
    if (how === 'Saved') this.#save();
    this.#share = this.#saved.share;
    this.#steps = this.#saved.steps;
    this.#layout = undefined;
    this.#course = undefined;
  }

  advance(seconds: number): void {
    const course = this.#course;
    if (course === undefined || seconds <= 0) return;
    const left = course.steps - this.#position;
    const steps = Math.min(left, seconds / this.#stepSeconds);
    this.#steps += steps;
    this.#position += steps;
    // A rest below a millionth of a step is rounding.
    this.#share = left - steps < 1e-6 ? 1 : course.shareAt(this.#position);
    this.#sinceSaved += seconds;
    if (this.#sinceSaved < this.#options.checkpointEverySeconds) return;
    this.#sinceSaved %= this.#options.checkpointEverySeconds;
    this.#save();
  }

  /** What a scrape at this instant shows; undefined while no process answers. */
  read(observedAt: number): TrainerReading | undefined {
    const layout = this.#layout;
    if (layout === undefined) return undefined;
    this.#count();
    const ranks = ranksOf(layout);
    const { small, large } = observedBatches(layout);
    const measuresGradients = this.#course?.gradients(0, 0) !== undefined;
    return {
      observedAt,
      ranks,
      steps: Math.floor(this.#steps),
      samples: Math.round(this.#counters.samples),
      stepSecondsSum: this.#counters.stepSeconds * ranks,
      stepSecondsCount: this.#counters.countedSteps * ranks,
      computeSecondsSum: this.#counters.computeSeconds * ranks,
      synchronizationSecondsSum: (this.#counters.stepSeconds - this.#counters.computeSeconds) * ranks,
      gradientSmallSum: measuresGradients ? this.#counters.gradientSmall : undefined,
      gradientLargeSum: measuresGradients ? this.#counters.gradientLarge : undefined,
      gradientObservations: measuresGradients ? this.#counters.gradientObservations : undefined,
      gradientSmallBatch: measuresGradients ? small : undefined,
      gradientLargeBatch: measuresGradients ? large : undefined,
      loss: undefined,
      validationLoss: undefined,
      memoryUsedBytes: this.#memoryBytes(layout.microBatchSize),
      memoryLimitBytes: MEMORY_LIMIT_BYTES,
      configVersion: this.#version,
      configAppliedStep: undefined,
      rejectedVersion: this.#rejectedVersion,
      rejectionReason: this.#rejectedVersion === undefined ? undefined : 'out_of_memory',
      checkpointStep: Math.floor(this.#saved.steps),
      checkpointRequest: undefined,
      targetSteps: undefined,
      // A trainer with AdaScale ends by its own count of scale-invariant steps, so it knows how far it is.
      completedRatio: this.#share,
    };
  }

  #lay(layout: Layout, version: number): void {
    const { world } = this.#options;
    this.#layout = layout;
    this.#version = version;
    this.#course = world.course(layout.globalBatchSize);
    this.#position = this.#course.stepsAt(this.#share);
    const { total, synchronization } = world.stepSeconds(layout);
    this.#stepSeconds = total;
    this.#computeShare = 1 - synchronization / total;
    this.#uncounted = { fromShare: this.#share, fromSteps: this.#steps };
  }

  #save(): void {
    this.#saved = { share: this.#share, steps: this.#steps };
  }

  /** Adds the steps since the last time to the counters, with the scatter of their measurement. */
  #count(): void {
    const { timingNoise, gradientNoise, normal } = this.#options;
    const { fromShare, fromSteps } = this.#uncounted;
    const layout = this.#layout;
    const steps = Math.floor(this.#steps) - Math.floor(fromSteps);
    if (layout === undefined || steps <= 0) return;
    const counters = this.#counters;
    counters.samples += steps * layout.globalBatchSize;
    counters.countedSteps += steps;
    const seconds = steps * this.#stepSeconds * Math.exp(timingNoise * normal());
    counters.stepSeconds += seconds;
    counters.computeSeconds += seconds * this.#computeShare;
    const moments = this.#course?.gradients(fromShare, this.#share);
    const observations =
      Math.floor(this.#steps / STEPS_PER_GRADIENT_OBSERVATION) - Math.floor(fromSteps / STEPS_PER_GRADIENT_OBSERVATION);
    this.#uncounted = { fromShare: this.#share, fromSteps: this.#steps };
    if (moments === undefined || observations <= 0) return;
    const { small, large } = observedBatches(layout);
    const scatter = gradientNoise / Math.sqrt(observations);
    // The small batches' mean is over many of them, so it scatters less by the root of their number.
    const ofMany = scatter / Math.sqrt(large / small);
    const { signal, trace } = moments;
    counters.gradientSmall += observations * (signal + trace / small) * Math.max(0.1, 1 + ofMany * normal());
    counters.gradientLarge += observations * (signal + trace / large) * Math.max(0.1, 1 + scatter * normal());
    counters.gradientObservations += observations;
  }

  #memoryBytes(microBatchSize: number): number {
    const share = BASE_SHARE + ((FILLED_SHARE - BASE_SHARE) * microBatchSize) / this.#options.world.maxMicroBatchSize;
    return share * MEMORY_LIMIT_BYTES;
  }
}

export function ranksOf({ placement }: Pick<Layout, 'placement'>): number {
  return placement.reduce((sum, gpus) => sum + gpus, 0);
}

/** One pass of one rank against the whole batch; where that is the same, half a pass, as the Python SDK does. */
function observedBatches(layout: Layout): { readonly small: number; readonly large: number } {
  const { microBatchSize, gradientAccumulationSteps, globalBatchSize } = layout;
  const onePass = gradientAccumulationSteps * ranksOf(layout) === 1;
  return { small: onePass ? microBatchSize / 2 : microBatchSize, large: globalBatchSize };
}
