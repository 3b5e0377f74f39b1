import { fitStepTime, parameterPosterior } from '../../src/core/estimate/step-time-fit.ts';
import { PARAMETERS } from '../../src/core/estimate/step-time-prior.ts';
import { lowerTriangle, type RunRecord } from '../../src/core/profile/run-record.ts';
import { aStepTimePoint, type KnownTraining } from './a-job.ts';
import { trueStepSeconds } from './simulated-trainer.ts';

/** A run on T4 that came to its end, of a training with these step times. */
export function aRun(parts: Partial<RunRecord> = {}, training?: KnownTraining): RunRecord {
  const fit = training === undefined ? undefined : fitOf(training);
  return {
    uid: 'run-1',
    job: 'bert-1',
    endedAt: 1_000_000,
    outcome: 'Complete',
    gpuType: 'nvidia-t4',
    replicas: 2,
    globalBatchSize: 128,
    microBatchSize: 32,
    initialGlobalBatchSize: 64,
    referenceSamples: 1_000_000,
    seconds: 3600,
    cost: 4,
    currency: 'USD',
    batchBand: { lowest: 64, highest: 128 },
    targetLoss: undefined,
    stepTime: fit,
    noise: [],
    memory: [],
    restartSeconds: undefined,
    predicted: undefined,
    ...parts,
  };
}

function fitOf(training: KnownTraining): RunRecord['stepTime'] {
  const points = training.timed.map((layout) =>
    aStepTimePoint({ ...layout, meanSeconds: trueStepSeconds(training, layout) }),
  );
  const fit = fitStepTime(points);
  if (fit === undefined) return undefined;
  const { logMeans, logCovariance } = parameterPosterior(fit);
  return {
    logMeans,
    logCovariance: lowerTriangle(logCovariance, PARAMETERS),
    largestDataParallelSize: Math.max(...points.map(({ dataParallelSize }) => dataParallelSize)),
  };
}

/** Two batches on one rank and one on two: enough to tell overhead, work and exchange apart. */
export const TRAINING: KnownTraining = {
  overheadSeconds: 0.05,
  secondsPerSample: 0.01,
  synchronizationSeconds: 0.04,
  gradientNoiseScale: 2000,
  timed: [
    { dataParallelSize: 1, microBatchSize: 8, gradientAccumulationSteps: 1 },
    { dataParallelSize: 1, microBatchSize: 32, gradientAccumulationSteps: 1 },
    { dataParallelSize: 2, microBatchSize: 32, gradientAccumulationSteps: 1 },
  ],
};
