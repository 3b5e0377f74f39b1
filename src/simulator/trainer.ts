import { parseTuning, type RejectionReason, type Tuning } from '../api/trainer-protocol.ts';
import { normalNumbers } from './random.ts';
import { type HistogramFigures, StepHistogram } from './step-histogram.ts';
import {
  memoryBytesOf,
  minimumSteps,
  noiseScaleAt,
  type StatedWork,
  stepSecondsOf,
  type TrainingProfile,
} from './training-profile.ts';

/** What outlives the processes of a run. */
export interface Checkpoint {
  readonly step: number;
  /** Share of the training that is done, 0 to 1. */
  readonly progress: number;
  readonly request: number;
}

export interface TrainerOptions {
  readonly profile: TrainingProfile;
  readonly work: StatedWork;
  readonly dataParallelSize: number;
  /** Nodes that the ranks are spread over. */
  readonly nodes: number;
  readonly seed: number;
  /** Goes on from here; from the beginning when there is none. */
  readonly checkpoint?: Checkpoint | undefined;
  readonly startedAtSeconds: number;
}

/** Everything that the metrics page of a rank shows. */
export interface TrainerFigures {
  readonly steps: number;
  readonly samplesPerRank: number;
  readonly total: HistogramFigures;
  readonly compute: HistogramFigures;
  readonly synchronization: HistogramFigures;
  readonly checkpoints: HistogramFigures;
  readonly gradientSmallSum: number;
  readonly gradientLargeSum: number;
  readonly gradientObservations: number;
  readonly gradientBatches: { readonly small: number; readonly large: number } | undefined;
  readonly loss: number;
  readonly memoryUsedBytes: number;
  readonly memoryLimitBytes: number;
  /** Undefined before the first tuning is in force. */
  readonly configVersion: number | undefined;
  readonly configAppliedStep: number | undefined;
  readonly rejectedVersion: number | undefined;
  readonly rejections: Readonly<Record<RejectionReason, number>>;
  readonly checkpoint: Checkpoint | undefined;
  readonly completedRatio: number;
}

/**
 * One training run on all its ranks, in lock-step, that speaks trainer protocol v1: steps take s·(a + b·m) and an
 * exchange, the training ends after S(B) = S_min·(1 + B_noise/B) of them. Pure: time and tunings are handed in, the
 * same seed and the same calls give the same figures. Cost: a dozen operations a step.
 */
export class SimulatedTrainer {
  readonly #options: TrainerOptions;
  readonly #normal: () => number;
  readonly #minimumSteps: number;
  readonly #histograms = {
    total: new StepHistogram(),
    compute: new StepHistogram(),
    synchronization: new StepHistogram(),
    checkpoints: new StepHistogram(),
  };
  readonly #rejections: Record<RejectionReason, number> = {
    out_of_memory: 0,
    world_size: 0,
    invalid: 0,
    unsupported: 0,
  };
  #clock: number;
  #stepSeconds: number | undefined;
  #step: number;
  #progress: number;
  #samplesPerRank = 0;
  #gradientSmallSum = 0;
  #gradientLargeSum = 0;
  #gradientObservations = 0;
  #inForce: Tuning | undefined;
  #appliedStep: number | undefined;
  #waiting: Tuning | undefined;
  #newestVersion = -1;
  #rejectedVersion: number | undefined;
  #checkpoint: Checkpoint | undefined;
  #checkpointedAt: number;
  #servedRequest: number;

  constructor(options: TrainerOptions) {
    this.#options = options;
    this.#normal = normalNumbers(options.seed);
    this.#minimumSteps = minimumSteps(options.profile, options.work);
    this.#clock = options.startedAtSeconds;
    this.#checkpointedAt = options.startedAtSeconds;
    this.#checkpoint = options.checkpoint;
    this.#step = options.checkpoint?.step ?? 0;
    this.#progress = options.checkpoint?.progress ?? 0;
    this.#servedRequest = options.checkpoint?.request ?? 0;
  }

  get isDone(): boolean {
    return this.#progress >= 1;
  }

  get checkpoint(): Checkpoint | undefined {
    return this.#checkpoint;
  }

  /** Hands over the text of the tuning file as it is read at this instant; it is obeyed at the next step. */
  offer(text: string, nowSeconds: number): void {
    this.advanceTo(nowSeconds);
    let tuning: Tuning;
    try {
      tuning = parseTuning(JSON.parse(text));
    } catch {
      this.#reject('invalid', undefined);
      return;
    }
    if (tuning.version <= this.#newestVersion) return;
    this.#newestVersion = tuning.version;
    this.#waiting = tuning;
    // Before the first tuning nothing runs, so there is no step to wait for.
    if (this.#inForce === undefined) this.#betweenSteps();
  }

  /** Makes all steps that end by this instant. */
  advanceTo(nowSeconds: number): void {
    while (this.#stepSeconds !== undefined && this.#clock + this.#stepSeconds <= nowSeconds) {
      this.#clock += this.#stepSeconds;
      this.#finishStep();
      this.#betweenSteps();
    }
    if (this.#stepSeconds === undefined) this.#clock = Math.max(this.#clock, nowSeconds);
  }

  read(): TrainerFigures {
    const { profile } = this.#options;
    const { total, compute, synchronization, checkpoints } = this.#histograms;
    return {
      steps: this.#step,
      samplesPerRank: this.#samplesPerRank,
      total: total.read(),
      compute: compute.read(),
      synchronization: synchronization.read(),
      checkpoints: checkpoints.read(),
      gradientSmallSum: this.#gradientSmallSum,
      gradientLargeSum: this.#gradientLargeSum,
      gradientObservations: this.#gradientObservations,
      gradientBatches: this.#inForce === undefined ? undefined : observedBatches(this.#inForce),
      loss: lossAt(this.#progress),
      memoryUsedBytes: memoryBytesOf(profile, this.#inForce?.microBatchSize ?? 0),
      memoryLimitBytes: profile.memoryLimitBytes,
      configVersion: this.#inForce?.version,
      configAppliedStep: this.#appliedStep,
      rejectedVersion: this.#rejectedVersion,
      rejections: { ...this.#rejections },
      checkpoint: this.#checkpoint,
      completedRatio: Math.min(1, this.#progress),
    };
  }

  #finishStep(): void {
    const tuning = this.#inForce;
    if (tuning === undefined || this.#stepSeconds === undefined) return;
    const undisturbed = stepSecondsOf(this.#options.profile, { ...tuning, nodes: this.#options.nodes });
    const scatter = this.#stepSeconds / undisturbed.total;
    this.#histograms.total.observe(this.#stepSeconds);
    this.#histograms.compute.observe(undisturbed.compute * scatter);
    this.#histograms.synchronization.observe(undisturbed.synchronization * scatter);
    const noise = noiseScaleAt(this.#options.profile, this.#progress);
    this.#progress += 1 / (this.#minimumSteps * (1 + noise / tuning.globalBatchSize));
    this.#step += 1;
    this.#samplesPerRank += tuning.globalBatchSize / tuning.dataParallelSize;
    if (this.#step % this.#options.profile.stepsPerGradientObservation === 0) this.#observeGradients(tuning, noise);
  }

  /** Everything that happens at a step boundary: the end, a checkpoint, another tuning, and the begin of the next step. */
  #betweenSteps(): void {
    this.#stepSeconds = undefined;
    if (this.isDone) {
      this.#writeCheckpoint();
      return;
    }
    const { profile, nodes } = this.#options;
    const asked = this.#waiting?.checkpointRequest ?? 0;
    const isDue = this.#clock - this.#checkpointedAt >= profile.checkpointEverySeconds && this.#inForce !== undefined;
    const saves = asked > this.#servedRequest || isDue;
    if (saves) {
      this.#servedRequest = Math.max(asked, this.#servedRequest);
      this.#writeCheckpoint();
    }
    const waiting = this.#waiting;
    if (waiting !== undefined && (waiting.effectiveAt === 'nextStep' || saves || this.#inForce === undefined)) {
      this.#waiting = undefined;
      this.#take(waiting);
    }
    if (this.#inForce === undefined) return;
    const seconds = stepSecondsOf(profile, { ...this.#inForce, nodes }).total;
    this.#stepSeconds = seconds * Math.max(0.5, 1 + profile.stepScatter * this.#normal());
  }

  #take(tuning: Tuning): void {
    const { profile, dataParallelSize } = this.#options;
    if (tuning.dataParallelSize !== dataParallelSize) {
      this.#reject('world_size', tuning.version);
    } else if (memoryBytesOf(profile, tuning.microBatchSize) > profile.memoryLimitBytes) {
      this.#reject('out_of_memory', tuning.version);
    } else {
      this.#inForce = tuning;
      this.#appliedStep = this.#step;
    }
  }

  #reject(reason: RejectionReason, version: number | undefined): void {
    this.#rejections[reason] += 1;
    this.#rejectedVersion = version ?? this.#rejectedVersion;
  }

  #writeCheckpoint(): void {
    const { checkpointSeconds } = this.#options.profile;
    this.#clock += checkpointSeconds;
    this.#checkpointedAt = this.#clock;
    this.#histograms.checkpoints.observe(checkpointSeconds);
    this.#checkpoint = { step: this.#step, progress: this.#progress, request: this.#servedRequest };
  }

  #observeGradients(tuning: Tuning, noise: number): void {
    const { small, large } = observedBatches(tuning);
    const scatter = this.#options.profile.gradientScatter;
    // Gradients shrink as the run goes on; the noise scale is a ratio and must not feel it.
    const signal = Math.exp(-2 * this.#progress);
    const ofMany = scatter / Math.sqrt(large / small);
    this.#gradientSmallSum += signal * (1 + noise / small) * Math.max(0.1, 1 + ofMany * this.#normal());
    this.#gradientLargeSum += signal * (1 + noise / large) * Math.max(0.1, 1 + scatter * this.#normal());
    this.#gradientObservations += 1;
  }
}

/** One pass of one rank against the whole batch; where that is the same, half a pass, as the Python SDK does. */
function observedBatches(tuning: Tuning): { readonly small: number; readonly large: number } {
  const { microBatchSize, gradientAccumulationSteps, dataParallelSize, globalBatchSize } = tuning;
  const onePass = gradientAccumulationSteps * dataParallelSize === 1;
  return { small: onePass ? microBatchSize / 2 : microBatchSize, large: globalBatchSize };
}

/** A falling curve; nothing is decided by its shape. */
function lossAt(progress: number): number {
  return 0.3 + 2 / (1 + 20 * Math.min(1, progress));
}
