import fc from 'fast-check';
import type { TrainingJobParts } from '../a-training-job.ts';
import { aGpuPool, aTrainingJob } from '../a-training-job.ts';
import type { Training } from '../simulated-trainer.ts';
import { FAULTS, type Fault } from './faults.ts';
import { WATCHED } from './operator-process.ts';
import type { Span, Story } from './world.ts';

/** A training with steps long enough that virtual minutes are cheap: half a second and more. */
export const TRAINING: Training = {
  overheadSeconds: 0.4,
  secondsPerSample: 0.004,
  synchronizationSeconds: 0.05,
  noiseScaleStart: 900,
  noiseScaleEnd: 2000,
  minimumSteps: 20_000,
  memoryBaseBytes: 2e9,
  memoryBytesPerSample: 20e6,
  memoryLimitBytes: 16e9,
  timingSd: 0.04,
  gradientSd: 0.1,
  observeEverySteps: 4,
  exportsGradients: true,
  exportsMemory: true,
};

/** What goes wrong in a run, as a failing property prints it and a test may be given it again. */
export interface Trouble {
  readonly faults: readonly { readonly write: number; readonly fault: Fault }[];
  readonly lags: Story['lags'];
  readonly metricsOutages: readonly Span[];
  readonly trainerDeaf: readonly Span[];
}

export const NO_TROUBLE: Trouble = { faults: [], lags: [], metricsOutages: [], trainerDeaf: [] };

/** Trouble begins with the run and has ended by `untilSecond`, so that the run can then come to rest. */
export function anyTrouble(options: { readonly untilSecond: number; readonly writes: number }): fc.Arbitrary<Trouble> {
  const { untilSecond, writes } = options;
  const span = (most: number) =>
    fc.record({ from: fc.nat(untilSecond - most), seconds: fc.integer({ min: 1, max: most }) });
  return fc.record({
    faults: fc.array(fc.record({ write: fc.nat(writes), fault: fc.constantFrom(...FAULTS) }), { maxLength: 12 }),
    lags: fc.array(
      fc.tuple(span(20), fc.constantFrom(...WATCHED)).map(([{ from, seconds }, watch]) => ({ from, seconds, watch })),
      { maxLength: 4 },
    ),
    metricsOutages: fc.array(span(60), { maxLength: 1 }),
    trainerDeaf: fc.array(span(50), { maxLength: 1 }),
  });
}

const CHECKPOINT_TIMEOUT_SECONDS = 60;
const ACK_TIMEOUT_SECONDS = 20;

function aPatientJob(spec: TrainingJobParts['spec']) {
  return aTrainingJob({
    spec: {
      replicas: 2,
      objective: { work: { type: 'Steps', steps: 100_000 }, timeValuePerHour: '5' },
      elasticity: { minReplicas: 1, maxReplicas: 8, sizes: { type: 'PowersOfTwo' } },
      checkpoint: { timeoutSeconds: CHECKPOINT_TIMEOUT_SECONDS },
      batch: {
        globalBatchSize: { initial: 256, max: 2048, multipleOf: 64 },
        learningRate: { rule: 'Sqrt' },
        reload: { ackTimeoutSeconds: ACK_TIMEOUT_SECONDS },
      },
      ...spec,
    },
  });
}

const pool = () => aGpuPool({ spec: { scaleDownDelaySeconds: 20, provisioningTimeoutSeconds: 120 } });

/** Nobody but the user decides: more workers, a pause, fewer workers; and a stranger's pod takes a GPU in between. */
export function userDecides(trouble: Trouble): Story {
  return {
    job: aPatientJob({ mode: 'Recommend' }),
    pool: pool(),
    training: TRAINING,
    nodesAtStart: 0,
    deeds: [
      { at: 60, does: (world) => world.edit((spec) => ({ ...spec, replicas: 4 })) },
      { at: 100, does: (world) => world.addForeignPod('inference') },
      { at: 160, does: (world) => world.edit((spec) => ({ ...spec, suspend: true })) },
      { at: 240, does: (world) => world.edit((spec) => ({ ...spec, suspend: false })) },
      { at: 330, does: (world) => world.edit((spec) => ({ ...spec, replicas: 1 })) },
    ],
    ...wrongs(trouble),
    seconds: 700,
  };
}

/** The planner decides: it finds a larger batch and more workers worth their money. */
export function plannerDecides(trouble: Trouble): Story {
  return {
    job: aPatientJob({ mode: 'Auto' }),
    pool: pool(),
    training: TRAINING,
    nodesAtStart: 1,
    ...wrongs(trouble),
    seconds: 900,
  };
}

function wrongs({ faults, lags, metricsOutages, trainerDeaf }: Trouble) {
  return { faults: new Map(faults.map(({ write, fault }) => [write, fault])), lags, metricsOutages, trainerDeaf };
}

/** Its hours end and begin again while it trains: 2023-11-14, from 22:13:20 on. */
export function hoursDecide(trouble: Trouble): Story {
  const windows = [
    { name: 'evening', from: '22:00', to: '22:16' },
    { name: 'night', from: '22:19', to: '06:00' },
  ];
  return {
    job: aPatientJob({
      eco: { mode: 'Require', windows },
      elasticity: { minReplicas: 2, maxReplicas: 2 },
      objective: { work: { type: 'Steps', steps: 100_000 } },
      batch: { mode: 'Off', globalBatchSize: { initial: 256 }, reload: { ackTimeoutSeconds: ACK_TIMEOUT_SECONDS } },
    }),
    pool: pool(),
    training: TRAINING,
    nodesAtStart: 0,
    ...wrongs(trouble),
    seconds: 800,
  };
}
