import type { StepLayout, TrainingProfile } from '../../src/simulator/training-profile.ts';

export function aProfile(fields: Partial<TrainingProfile> = {}): TrainingProfile {
  return {
    overheadSeconds: 0.02,
    secondsPerSample: 0.001,
    synchronizationSecondsWithinNode: 0.03,
    synchronizationSecondsBetweenNodes: 0.1,
    overlapExponent: 2,
    noiseScales: [100, 200],
    memoryBaseBytes: 1e9,
    memoryBytesPerSample: 1e7,
    memoryLimitBytes: 4e9,
    checkpointSeconds: 1,
    checkpointEverySeconds: 1000,
    stepScatter: 0.05,
    gradientScatter: 0.1,
    stepsPerGradientObservation: 10,
    ...fields,
  };
}

export function aLayout(fields: Partial<StepLayout> = {}): StepLayout {
  return { dataParallelSize: 1, microBatchSize: 32, gradientAccumulationSteps: 1, nodes: 1, ...fields };
}
