import type { TrainerReading } from '../../src/core/estimate/reading.ts';

/** A reading of one rank with the counters that every trainer has, and nothing more unless given. */
export function aReading(parts: Partial<TrainerReading> = {}): TrainerReading {
  return {
    observedAt: 0,
    ranks: 1,
    steps: 10_000,
    samples: 160_000,
    stepSecondsSum: 80,
    stepSecondsCount: 10_000,
    computeSecondsSum: undefined,
    synchronizationSecondsSum: undefined,
    gradientSmallSum: undefined,
    gradientLargeSum: undefined,
    gradientObservations: undefined,
    gradientSmallBatch: undefined,
    gradientLargeBatch: undefined,
    loss: undefined,
    validationLoss: undefined,
    memoryUsedBytes: undefined,
    memoryLimitBytes: undefined,
    configVersion: 1,
    configAppliedStep: 0,
    rejectedVersion: undefined,
    rejectionReason: undefined,
    checkpointStep: undefined,
    checkpointRequest: undefined,
    targetSteps: undefined,
    completedRatio: undefined,
    ...parts,
  };
}
