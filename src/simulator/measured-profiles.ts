import type { TrainingProfile } from './training-profile.ts';

const GIBIBYTE = 2 ** 30;
const T4_MEMORY_BYTES = 15 * GIBIBYTE;

/**
 * Not measured in the source and the same for all: a line of memory use on which the largest micro batch that was
 * measured takes nine tenths of a T4, checkpoints, and the scatter of single steps and gradients.
 */
function unmeasured(largestMicroBatchSize: number) {
  const memoryBaseBytes = 1.5 * GIBIBYTE;
  return {
    memoryBaseBytes,
    memoryBytesPerSample: (0.9 * T4_MEMORY_BYTES - memoryBaseBytes) / largestMicroBatchSize,
    memoryLimitBytes: T4_MEMORY_BYTES,
    checkpointSeconds: 15,
    checkpointEverySeconds: 600,
    stepScatter: 0.05,
    gradientScatter: 0.15,
    stepsPerGradientObservation: 20,
  };
}

/**
 * Trainings on NVIDIA T4 (AWS g4dn.12xlarge, four to a node), from the measurements published with Pollux (Qiao et al.,
 * OSDI 2021; petuum/adaptdl, branch osdi21-artifact, Apache-2.0). Step times: lines fitted to the published step times
 * over micro batches and placements. Noise scales: from the published gradient statistics of the run at the smallest
 * batch, medians around 0, 25, 50, 75 and 100 % of it.
 */
export const MEASURED_PROFILES: Readonly<Record<string, TrainingProfile>> = {
  'cifar10-resnet18-t4': {
    overheadSeconds: 0.0204,
    secondsPerSample: 0.00065,
    synchronizationSecondsWithinNode: 0.03,
    synchronizationSecondsBetweenNodes: 0.085,
    overlapExponent: 2,
    noiseScales: [108, 2564, 4944, 13_032, 38_528],
    ...unmeasured(1024),
  },
  'deepspeech2-t4': {
    overheadSeconds: 0.191,
    secondsPerSample: 0.0255,
    synchronizationSecondsWithinNode: 0.3,
    synchronizationSecondsBetweenNodes: 0.42,
    overlapExponent: 2,
    noiseScales: [10, 2739, 33_198, 91_100, 210_581],
    ...unmeasured(80),
  },
  'imagenet-resnet50-t4': {
    overheadSeconds: 0.0719,
    secondsPerSample: 0.00431,
    synchronizationSecondsWithinNode: 0.05,
    synchronizationSecondsBetweenNodes: 0.17,
    overlapExponent: 2,
    noiseScales: [2764, 5985, 11_357, 14_410, 14_352],
    ...unmeasured(200),
  },
};
