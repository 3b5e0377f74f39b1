import type { JobResult, Prediction } from '../result.ts';
import { ascending, isKnown, quantile } from './quantities.ts';

/** One prediction against what came. */
export interface Comparison {
  readonly job: string;
  /** Share of the run that was over when it was made, 0 to 1. */
  readonly progress: number;
  /** Predicted, with its interval, and actual: seconds from start to finish, or currency. */
  readonly predicted: { readonly value: number; readonly low: number; readonly high: number };
  readonly actual: number;
  readonly inside: boolean;
}

export type Predicted = 'finish' | 'cost';

/** Every prediction about a job that has finished; nothing can be said about the others. */
export function comparisons(jobs: readonly JobResult[], subject: Predicted): readonly Comparison[] {
  return jobs.flatMap((job) => {
    const { startedAt, finishedAt } = job;
    if (!isKnown(startedAt) || !isKnown(finishedAt) || finishedAt <= startedAt) return [];
    const actual = subject === 'finish' ? finishedAt - startedAt : job.cost;
    if (!isKnown(actual) || actual <= 0) return [];
    return job.predictions.flatMap((prediction) => {
      const predicted = subject === 'finish' ? runLength(prediction, startedAt) : prediction.cost;
      const progress = (prediction.at - startedAt) / (finishedAt - startedAt);
      if (![predicted.value, predicted.low, predicted.high].every(isKnown) || !(progress >= 0 && progress <= 1))
        return [];
      const inside = predicted.low <= actual && actual <= predicted.high;
      return [{ job: job.name, progress, predicted, actual, inside }];
    });
  });
}

/** Share of predictions whose interval held what came; undefined without any. */
export function coverage(compared: readonly Comparison[]): number | undefined {
  return compared.length === 0 ? undefined : compared.filter(({ inside }) => inside).length / compared.length;
}

/** One for each job: the prediction made nearest to half-way of its run. */
export function halfWay(compared: readonly Comparison[]): readonly Comparison[] {
  const nearest = new Map<string, Comparison>();
  for (const comparison of compared) {
    const known = nearest.get(comparison.job);
    if (known === undefined || fromMiddle(comparison) < fromMiddle(known)) nearest.set(comparison.job, comparison);
  }
  return [...nearest.values()];
}

/** (predicted − actual) ÷ actual. */
export function relativeError({ predicted, actual }: Comparison): number {
  return (predicted.value - actual) / actual;
}

export interface ErrorBand {
  readonly progress: number;
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

const BANDS = 10;

/** The 10th, 50th and 90th percentile of the relative error, for each tenth of the run. */
export function errorBands(compared: readonly Comparison[]): readonly ErrorBand[] {
  return Array.from({ length: BANDS }, (_, index) => {
    const here = compared.filter(({ progress }) => Math.min(BANDS - 1, Math.floor(progress * BANDS)) === index);
    return { index, errors: ascending(here.map(relativeError)) };
  }).flatMap(({ index, errors }) => {
    const [low, median, high] = [quantile(errors, 0.1), quantile(errors, 0.5), quantile(errors, 0.9)];
    if (low === undefined || median === undefined || high === undefined) return [];
    return [{ progress: (index + 0.5) / BANDS, low, median, high }];
  });
}

function runLength({ finish }: Prediction, startedAt: number): Comparison['predicted'] {
  return { value: finish.value - startedAt, low: finish.low - startedAt, high: finish.high - startedAt };
}

function fromMiddle({ progress }: Comparison): number {
  return Math.abs(progress - 0.5);
}
