import type { TrainingProfileStatus } from '../../api/training-profile.ts';
import { cholesky, inverse } from '../../core/estimate/linear-algebra.ts';
import { highOf, type LogBelief, lowOf } from '../../core/estimate/memory-belief.ts';
import { LOG_OVERHEAD, LOG_PER_SAMPLE, PARAMETERS, type StepTimePrior } from '../../core/estimate/step-time-prior.ts';
import { batchBandOf, noiseOfFamily } from '../../core/profile/family.ts';
import type { RunRecord } from '../../core/profile/run-record.ts';
import { stepTimeOfFamily } from '../../core/profile/step-time-of-family.ts';
import { decimalIfKnown, present } from '../present.ts';

/** What the runs of a family come to, for people. */
export function describeRuns(runs: readonly RunRecord[]): Omit<TrainingProfileStatus, 'conditions'> {
  const types = [...new Set(runs.map(({ gpuType }) => gpuType))].sort().slice(0, 16);
  return {
    runs: runs.length,
    completed: runs.filter(({ outcome }) => outcome === 'Complete').length,
    accelerators: types.map((type) => describeType(runs, type)),
    ...present({
      gradientNoiseScale: toInterval(noiseOfFamily(runs)?.logAtPivot),
      batchBand: batchBandOf(runs),
      predictionError: errorsOf(runs),
    }),
  };
}

function describeType(runs: readonly RunRecord[], type: string) {
  const own = runs.filter(({ gpuType, stepTime }) => gpuType === type && stepTime !== undefined);
  const prior = stepTimeOfFamily(own, type)?.prior;
  return {
    type,
    runs: own.length,
    ...(prior === undefined
      ? {}
      : present({
          secondsPerSample: toInterval(beliefAt(prior, LOG_PER_SAMPLE)),
          overheadSecondsPerMicroStep: toInterval(beliefAt(prior, LOG_OVERHEAD)),
        })),
  };
}

function beliefAt({ logMeans, logPrecision }: StepTimePrior, index: number): LogBelief {
  const covariance = inverse(cholesky(logPrecision, PARAMETERS), PARAMETERS);
  const variance = covariance[index * (PARAMETERS + 1)] ?? Number.NaN;
  return { logMean: logMeans[index] ?? Number.NaN, logSd: Math.sqrt(variance) };
}

function toInterval(belief: LogBelief | undefined) {
  if (belief === undefined) return undefined;
  const value = decimalIfKnown(Math.exp(belief.logMean));
  if (value === undefined) return undefined;
  return { value, ...present({ low: decimalIfKnown(lowOf(belief)), high: decimalIfKnown(highOf(belief)) }) };
}

function errorsOf(runs: readonly RunRecord[]): TrainingProfileStatus['predictionError'] {
  const told = runs.flatMap(({ predicted, cost, seconds, outcome }) =>
    predicted === undefined || outcome === 'Failed' || cost <= 0 || seconds <= 0
      ? []
      : [{ cost: Math.abs(predicted.cost / cost - 1), seconds: Math.abs(predicted.seconds / seconds - 1) }],
  );
  if (told.length === 0) return undefined;
  const mean = (values: readonly number[]) =>
    Math.min(1_000_000, Math.round((100 * values.reduce((sum, value) => sum + value, 0)) / values.length));
  return {
    runs: told.length,
    meanCostErrorPercent: mean(told.map(({ cost }) => cost)),
    meanTimeErrorPercent: mean(told.map(({ seconds }) => seconds)),
  };
}
