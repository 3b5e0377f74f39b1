import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import {
  foldNoise,
  NO_NOISE_EVIDENCE,
  type NoiseEvidence,
  noiseScaleValue,
} from '../../../src/core/estimate/noise-scale.ts';
import {
  foldNoiseTrail,
  type NoisePoint,
  noiseScalesAhead,
  noiseTrend,
} from '../../../src/core/estimate/noise-trend.ts';
import { statisticalEfficiency, stepsForWorkAhead } from '../../../src/core/model/steps-to-target.ts';
import { aReading } from '../../support/a-reading.ts';

/** One stretch of a published training: until so many reference samples its noise scale was this. */
interface Stretch {
  readonly until: number;
  readonly noiseScale: number;
}

interface Training {
  readonly name: string;
  readonly referenceBatchSize: number;
  readonly stretches: readonly Stretch[];
}

/** Relative error in the steps to go, without and with the forecast of the noise scale. */
export interface Hindcast {
  readonly name: string;
  readonly progress: number;
  readonly batchFactor: number;
  readonly without: number;
  readonly with: number;
}

const PROGRESS = [0.1, 0.25, 0.5];
const BATCH_FACTORS = [2, 4, 8];
/** Fewer stretches than this are no training to look back on. */
const MIN_STRETCHES = 10;

/** The Pollux trainings at their smallest batch, watched until so much of them is done. */
export function hindcastNoise(dataFolder: string): readonly Hindcast[] {
  const traces = path.join(dataFolder, 'pollux/traces');
  return readdirSync(traces)
    .sort()
    .map((name) => readTraining(traces, name))
    .filter(({ stretches }) => stretches.length >= MIN_STRETCHES)
    .flatMap((training) => PROGRESS.flatMap((progress) => hindcast(training, progress)));
}

function readTraining(traces: string, name: string): Training {
  const sizes = readdirSync(path.join(traces, name)).flatMap((file) => /^validation-(\d+)\.csv$/.exec(file)?.[1] ?? []);
  const referenceBatchSize = Math.min(...sizes.map(Number));
  const text = readFileSync(path.join(traces, name, `validation-${referenceBatchSize}.csv`), 'utf8');
  const [header = '', ...rows] = text.trim().split('\n');
  const columns = header.split(',');
  const column = (row: string, of: string) => Number(row.split(',')[columns.indexOf(of)]);
  return {
    name,
    referenceBatchSize,
    stretches: rows.map((row) => ({
      until: column(row, 'progress') * referenceBatchSize,
      noiseScale: (referenceBatchSize * column(row, 'grad_var')) / column(row, 'grad_sqr'),
    })),
  };
}

const isMeasured = ({ noiseScale }: Stretch) => Number.isFinite(noiseScale) && noiseScale > 0;

function hindcast(training: Training, progress: number): readonly Hindcast[] {
  const { name, referenceBatchSize, stretches } = training;
  const total = stretches.at(-1)?.until ?? 0;
  const seen = stretches.filter(({ until }) => until <= progress * total);
  const rest = stretches.slice(seen.length);
  const { noise, trail, done } = watch(seen, referenceBatchSize);
  const now = noiseScaleValue(noise);
  if (now === undefined) return [];
  const work = { done, remaining: total - done };
  const ahead = noiseScalesAhead(noiseTrend(trail), now, work, 0);
  return BATCH_FACTORS.map((batchFactor) => {
    const batch = batchFactor * referenceBatchSize;
    const truth = stepsThrough(rest, done, batch, referenceBatchSize);
    const error = (noises: readonly number[]) =>
      stepsForWorkAhead(work.remaining, noises, batch, referenceBatchSize) / truth - 1;
    return { name, progress, batchFactor, without: error([now]), with: error(ahead) };
  });
}

function stepsThrough(rest: readonly Stretch[], from: number, batch: number, referenceBatchSize: number): number {
  let steps = 0;
  let before = from;
  for (const stretch of rest) {
    // Where the published |G|² is nil the noise scale is beyond measure, and a larger batch loses nothing.
    const worth = isMeasured(stretch) ? statisticalEfficiency(stretch.noiseScale, batch, referenceBatchSize) : 1;
    steps += (stretch.until - before) / (batch * worth);
    before = stretch.until;
  }
  return steps;
}

const WINDOWS_PER_STRETCH = 10;
const OBSERVATIONS_PER_WINDOW = 20;

/** Folds gradient sums of that noise scale window by window, as the operator does. */
function watch(seen: readonly Stretch[], referenceBatchSize: number) {
  let noise: NoiseEvidence = NO_NOISE_EVIDENCE;
  let trail: readonly NoisePoint[] = [];
  let done = 0;
  const small = referenceBatchSize / 2;
  let before = aReading({
    gradientSmallSum: 0,
    gradientLargeSum: 0,
    gradientObservations: 0,
    gradientSmallBatch: small,
    gradientLargeBatch: referenceBatchSize,
  });
  for (const { until, noiseScale } of seen.filter(isMeasured)) {
    const stride = (until - done) / WINDOWS_PER_STRETCH;
    for (let window = 0; window < WINDOWS_PER_STRETCH; window++) {
      const reading = {
        ...before,
        gradientObservations: (before.gradientObservations ?? 0) + OBSERVATIONS_PER_WINDOW,
        gradientSmallSum: (before.gradientSmallSum ?? 0) + OBSERVATIONS_PER_WINDOW * (1 + noiseScale / small),
        gradientLargeSum:
          (before.gradientLargeSum ?? 0) + OBSERVATIONS_PER_WINDOW * (1 + noiseScale / referenceBatchSize),
      };
      const passage = { steps: stride / referenceBatchSize, progressRatio: done / (done + stride) };
      noise = foldNoise(noise, before, reading, passage);
      done += stride;
      trail = foldNoiseTrail(trail, noise, done);
      before = reading;
    }
  }
  return { noise, trail, done };
}
