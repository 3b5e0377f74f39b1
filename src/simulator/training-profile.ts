import { ringFactor } from '../core/model/step-time.ts';

/** What is true of one training on one kind of GPU: the world that a simulated trainer lives in. */
export interface TrainingProfile {
  /** Seconds of a forward and backward pass whatever its size. */
  readonly overheadSeconds: number;
  readonly secondsPerSample: number;
  /** Seconds to move the gradients once between GPUs of one node, and between nodes. */
  readonly synchronizationSecondsWithinNode: number;
  readonly synchronizationSecondsBetweenNodes: number;
  /** 1: exchange follows the last pass; the larger, the more of the two run at once (Pollux, OSDI 2021, equation 11). */
  readonly overlapExponent: number;
  /** Gradient noise scale in samples, at equal distances from the start to the end of the training. */
  readonly noiseScales: readonly number[];
  readonly memoryBaseBytes: number;
  readonly memoryBytesPerSample: number;
  readonly memoryLimitBytes: number;
  readonly checkpointSeconds: number;
  readonly checkpointEverySeconds: number;
  /** Relative standard deviation of the time of one step, and of one observed |g|². */
  readonly stepScatter: number;
  readonly gradientScatter: number;
  readonly stepsPerGradientObservation: number;
}

/** How a step is laid out, and on how many nodes its ranks are. */
export interface StepLayout {
  readonly dataParallelSize: number;
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
  readonly nodes: number;
}

/** Work as a TrainingJob states it: so many steps at the batch that the run starts with. */
export interface StatedWork {
  readonly steps: number;
  readonly globalBatchSize: number;
}

export interface StepSeconds {
  readonly total: number;
  readonly compute: number;
  /** Exchange that no computing hides. */
  readonly synchronization: number;
}

/** The training seen `factor` times as fast: all ratios between its times stay as they are. */
export function timeLapse(profile: TrainingProfile, factor: number): TrainingProfile {
  return {
    ...profile,
    overheadSeconds: profile.overheadSeconds / factor,
    secondsPerSample: profile.secondsPerSample / factor,
    synchronizationSecondsWithinNode: profile.synchronizationSecondsWithinNode / factor,
    synchronizationSecondsBetweenNodes: profile.synchronizationSecondsBetweenNodes / factor,
    checkpointSeconds: profile.checkpointSeconds / factor,
    checkpointEverySeconds: profile.checkpointEverySeconds / factor,
  };
}

export function stepSecondsOf(profile: TrainingProfile, layout: StepLayout): StepSeconds {
  const { dataParallelSize, microBatchSize, gradientAccumulationSteps, nodes } = layout;
  const pass = profile.overheadSeconds + profile.secondsPerSample * microBatchSize;
  const once = nodes > 1 ? profile.synchronizationSecondsBetweenNodes : profile.synchronizationSecondsWithinNode;
  const exchange = once * ringFactor(dataParallelSize);
  const exponent = profile.overlapExponent;
  const lastPass = (pass ** exponent + exchange ** exponent) ** (1 / exponent);
  const compute = gradientAccumulationSteps * pass;
  return { total: compute - pass + lastPass, compute, synchronization: lastPass - pass };
}

export function memoryBytesOf(profile: TrainingProfile, microBatchSize: number): number {
  return profile.memoryBaseBytes + profile.memoryBytesPerSample * microBatchSize;
}

/** Noise scale when the share `progress` of the training is done; geometric between the measured points. */
export function noiseScaleAt({ noiseScales }: TrainingProfile, progress: number): number {
  const last = noiseScales.length - 1;
  const position = Math.min(1, Math.max(0, progress)) * last;
  const index = Math.min(Math.floor(position), last - 1);
  const from = noiseScales[index];
  const to = noiseScales[index + 1];
  if (from === undefined || to === undefined) throw new Error('a profile needs two noise scales or more');
  return from * (to / from) ** (position - index);
}

/** Steps that the training would take with an endless batch: S_min of S(B) = S_min·(1 + B_noise/B). */
export function minimumSteps(profile: TrainingProfile, work: StatedWork): number {
  return (work.steps * work.globalBatchSize) / (meanNoiseScale(profile) + work.globalBatchSize);
}

export interface FixedRun {
  readonly steps: number;
  readonly seconds: number;
}

/** The whole training with one layout from start to end, without scatter, checkpoints and restarts. */
export function fixedRun(profile: TrainingProfile, work: StatedWork, layout: StepLayout): FixedRun {
  const batch = layout.dataParallelSize * layout.microBatchSize * layout.gradientAccumulationSteps;
  const steps = minimumSteps(profile, work) * (1 + meanNoiseScale(profile) / batch);
  return { steps, seconds: steps * stepSecondsOf(profile, layout).total };
}

const PARTS = 1000;

function meanNoiseScale(profile: TrainingProfile): number {
  let sum = 0;
  for (let part = 0; part < PARTS; part++) sum += noiseScaleAt(profile, (part + 0.5) / PARTS);
  return sum / PARTS;
}
