import { declaredMemory } from '../estimate/declared-memory.ts';
import type { DeclaredModel } from '../estimate/declared-model.ts';
import { declaredStepTime } from '../estimate/declared-step-time.ts';
import { peakOf } from '../estimate/gpu-peaks.ts';
import type { JobPrior, NoiseBelief } from '../estimate/job-prior.ts';
import { type LogBelief, logBelief, type MemoryBelief } from '../estimate/memory-belief.ts';
import { statisticalEfficiency } from '../model/steps-to-target.ts';
import type { RunRecord } from './run-record.ts';
import { stepTimeOfFamily } from './step-time-of-family.ts';

/** What is asked of a family: the next run's own facts. */
export interface NextRun {
  readonly pool: string;
  readonly gpuType: string;
  readonly memoryBytes: number | undefined;
  readonly initialGlobalBatchSize: number;
  readonly initialMicroBatchSize: number;
  readonly targetLoss: number | undefined;
  readonly model: DeclaredModel | undefined;
}

/** Growth of the noise scale before a family told it, as of a run (`noise-trend.ts`). */
const USUAL_SLOPE = 0.5;
const USUAL_SLOPE_SD = 0.4;
const SLOPE_RUNS_SD = 0.25;
/** Two runs of a family differ by so much in noise scale, in work and in memory; the guess counts as two runs. */
const NOISE_SD = 0.3;
const WORK_SD = 0.1;
const MEMORY_SD = 0.05;
const GUESS_WEIGHT = 2;

/**
 * What is believed of the next run on one pool: from the runs of its family where there are any, else from its declared
 * model; undefined where neither tells anything. Pure; cost: runs × 7³.
 */
export function priorOf(runs: readonly RunRecord[], next: NextRun): JobPrior | undefined {
  const peak = peakOf(next.gpuType);
  const family = stepTimeOfFamily(runs, next.gpuType, next.model?.precision);
  const declared =
    next.model === undefined || peak === undefined
      ? undefined
      : declaredStepTime(next.model, peak, next.initialMicroBatchSize);
  const limitBytes = next.memoryBytes ?? (peak === undefined ? undefined : peak.memoryMiB * 2 ** 20);
  const declaredUse = next.model === undefined ? undefined : declaredMemory(next.model, limitBytes);
  const memory = memoryOfFamily(runs, limitBytes, declaredUse) ?? declaredUse;
  const stepTime = family?.prior ?? declared;
  const noise = noiseOfFamily(runs);
  if (stepTime === undefined && memory === undefined && noise === undefined) return undefined;
  return {
    pool: next.pool,
    source: family === undefined ? 'Model' : family.isOtherGpu ? 'OtherGpu' : 'Family',
    stepTime,
    largestDataParallelSize: family?.largestDataParallelSize ?? 0,
    noise,
    memory,
    work: workOfFamily(runs, next, noise),
    batchBand: batchBandOf(runs),
    restartSeconds: median(runs.flatMap(({ restartSeconds }) => restartSeconds ?? [])),
  };
}

/** Smallest and largest global batch of the runs that came to their end. */
export function batchBandOf(runs: readonly RunRecord[]): JobPrior['batchBand'] {
  const ended = runs.filter(({ outcome }) => outcome === 'Complete').map(({ batchBand }) => batchBand);
  if (ended.length === 0) return undefined;
  return {
    lowest: Math.min(...ended.map(({ lowest }) => lowest)),
    highest: Math.max(...ended.map(({ highest }) => highest)),
  };
}

/** The power law through all runs' noise scales; each run may lie above or below it. */
export function noiseOfFamily(runs: readonly RunRecord[]): NoiseBelief | undefined {
  const trails = runs
    .map(({ noise }) =>
      noise.filter(({ referenceSamples, gradientNoiseScale }) => referenceSamples > 0 && gradientNoiseScale > 0),
    )
    .filter((trail) => trail.length > 0)
    .map((trail) =>
      trail.map(({ referenceSamples, gradientNoiseScale }) => ({
        x: Math.log(referenceSamples),
        y: Math.log(gradientNoiseScale),
      })),
    );
  const points = trails.flat();
  if (points.length === 0) return undefined;
  const pivot = meanOf(points.map(({ x }) => x));
  let xx = 0;
  let xy = 0;
  for (const trail of trails) {
    const middle = { x: meanOf(trail.map(({ x }) => x)), y: meanOf(trail.map(({ y }) => y)) };
    for (const { x, y } of trail) {
      xx += (x - middle.x) ** 2;
      xy += (x - middle.x) * (y - middle.y);
    }
  }
  // Shrunk to the usual growth, as that of a single run is.
  const measured = xx === 0 ? Number.POSITIVE_INFINITY : NOISE_SD ** 2 / xx + SLOPE_RUNS_SD ** 2 / trails.length;
  const usual = USUAL_SLOPE_SD ** 2;
  const share = Number.isFinite(measured) ? usual / (usual + measured) : 0;
  const slope = USUAL_SLOPE + share * (xx === 0 ? 0 : xy / xx - USUAL_SLOPE);
  const levels = trails.map((trail) => meanOf(trail.map(({ x, y }) => y - slope * (x - pivot))));
  return {
    logPivot: pivot,
    logAtPivot: nextOf(levels, NOISE_SD),
    slope,
    slopeSd: Math.sqrt((1 - share) * usual),
  };
}

/** The whole work, from runs that ended at the same target; in samples at the next run's initial batch. */
function workOfFamily(
  runs: readonly RunRecord[],
  next: NextRun,
  noise: NoiseBelief | undefined,
): LogBelief | undefined {
  const works = runs
    .filter(({ outcome, targetLoss }) => outcome === 'Complete' && targetLoss === next.targetLoss)
    .map((run) => Math.log(run.referenceSamples / referenceFactor(run, next, noise)))
    .filter(Number.isFinite);
  return works.length === 0 ? undefined : nextOf(works, WORK_SD);
}

/** Worth of a sample at the next run's initial batch, against one at the run's own. */
function referenceFactor(run: RunRecord, next: NextRun, noise: NoiseBelief | undefined): number {
  if (noise === undefined || run.initialGlobalBatchSize === next.initialGlobalBatchSize) return 1;
  const scale = Math.exp(noise.logAtPivot.logMean);
  return statisticalEfficiency(scale, next.initialGlobalBatchSize, run.initialGlobalBatchSize);
}

/** The line through the highest peak of each micro batch; undefined where no peak was measured. */
function memoryOfFamily(
  runs: readonly RunRecord[],
  limitBytes: number | undefined,
  declared: MemoryBelief | undefined,
): MemoryBelief | undefined {
  const peaks = new Map<number, number>();
  for (const { microBatchSize, usedBytes } of runs.flatMap(({ memory }) => memory)) {
    peaks.set(microBatchSize, Math.max(usedBytes, peaks.get(microBatchSize) ?? 0));
  }
  const inOrder = [...peaks].sort(([one], [other]) => one - other);
  const smallest = inOrder[0];
  const largest = inOrder.at(-1);
  if (smallest === undefined || largest === undefined) return undefined;
  if (smallest === largest) return throughOnePeak(largest, limitBytes, declared);
  const slope = Math.max((largest[1] - smallest[1]) / (largest[0] - smallest[0]), largest[1] / largest[0] / 10);
  const base = Math.max(1, largest[1] - slope * largest[0]);
  return {
    baseBytes: logBelief(base, MEMORY_SD),
    shardedBytes: 0,
    bytesPerSample: logBelief(slope, MEMORY_SD),
    leastBytes: undefined,
    limitBytes,
  };
}

/**
 * One peak gives the height of the line, and the declared activations of a sample its slope. Without these nobody knows
 * what of the peak is state: it grows at most in proportion, and may be as high for a smaller micro batch.
 */
function throughOnePeak(
  [microBatchSize, usedBytes]: readonly [number, number],
  limitBytes: number | undefined,
  declared: MemoryBelief | undefined,
): MemoryBelief {
  const perSample = Math.exp(declared?.bytesPerSample.logMean ?? Number.POSITIVE_INFINITY);
  const base = usedBytes - perSample * microBatchSize;
  if (declared === undefined || !(base > 0)) {
    return {
      baseBytes: logBelief(1, MEMORY_SD),
      shardedBytes: 0,
      bytesPerSample: logBelief(usedBytes / microBatchSize, MEMORY_SD),
      leastBytes: logBelief(usedBytes, MEMORY_SD),
      limitBytes,
    };
  }
  // What a sample takes less than declared, the state takes more.
  const { logSd } = declared.bytesPerSample;
  return {
    baseBytes: logBelief(base, Math.hypot(MEMORY_SD, (logSd * perSample * microBatchSize) / base)),
    shardedBytes: 0,
    bytesPerSample: declared.bytesPerSample,
    leastBytes: undefined,
    limitBytes,
  };
}

/** What is believed of the next of a series: its mean, and the scatter between runs on top of the mean's own doubt. */
function nextOf(values: readonly number[], usualSd: number): LogBelief {
  const logMean = meanOf(values);
  const squares = values.reduce((sum, value) => sum + (value - logMean) ** 2, GUESS_WEIGHT * usualSd ** 2);
  const variance = squares / (GUESS_WEIGHT + values.length - 1);
  return { logMean, logSd: Math.sqrt(variance * (1 + 1 / values.length)) };
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function median(values: readonly number[]): number | undefined {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)];
}
