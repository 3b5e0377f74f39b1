import { expect } from 'chai';
import type { Tuning } from '../../../src/api/trainer-protocol.ts';
import { type Checkpoint, SimulatedTrainer, type TrainerOptions } from '../../../src/simulator/trainer.ts';
import { fixedRun, noiseScaleAt, type TrainingProfile } from '../../../src/simulator/training-profile.ts';
import { aLayout, aProfile } from '../../support/a-profile.ts';

const WORK = { steps: 2000, globalBatchSize: 32 };

function aTrainer(fields: Partial<TrainerOptions> = {}): SimulatedTrainer {
  return new SimulatedTrainer({
    profile: aProfile(),
    work: WORK,
    dataParallelSize: 1,
    nodes: 1,
    seed: 3,
    startedAtSeconds: 100,
    ...fields,
  });
}

function aTuning(fields: Partial<Tuning> = {}): string {
  const sizes = { microBatchSize: 32, gradientAccumulationSteps: 1, dataParallelSize: 1, ...fields };
  return JSON.stringify({
    protocol: 'stepwise.dev/trainer/v1',
    version: 1,
    globalBatchSize: sizes.microBatchSize * sizes.gradientAccumulationSteps * sizes.dataParallelSize,
    learningRateScale: 1,
    effectiveAt: 'nextStep',
    checkpointRequest: 0,
    reason: 'a test',
    ...sizes,
  });
}

describe('simulated trainer', () => {
  it('makes no step before a tuning is in force', () => {
    const trainer = aTrainer();
    trainer.advanceTo(200);
    expect(trainer.read()).to.include({ steps: 0, configVersion: undefined });
  });

  it('takes the time of the model and ends after its steps', () => {
    const trainer = aTrainer();
    const want = fixedRun(aProfile(), WORK, aLayout());
    trainer.offer(aTuning(), 100);
    trainer.advanceTo(100 + want.seconds * 0.97);
    expect(trainer.isDone).to.equal(false);
    trainer.advanceTo(100 + want.seconds * 1.03);
    expect(trainer.isDone).to.equal(true);
    const { steps, samplesPerRank, total, compute, completedRatio } = trainer.read();
    expect(steps).to.be.closeTo(want.steps, 1);
    expect(samplesPerRank).to.equal(steps * 32);
    expect(total.count).to.equal(steps);
    expect(total.sum / total.count).to.be.closeTo(0.052, 0.001);
    expect(compute.sum).to.be.closeTo(total.sum, 1e-6);
    expect(completedRatio).to.equal(1);
  });

  it('ends sooner with a larger batch, after more samples', () => {
    const secondsAt = (microBatchSize: number) => {
      const trainer = aTrainer();
      trainer.offer(aTuning({ microBatchSize }), 100);
      let now = 100;
      while (!trainer.isDone) {
        now += 0.5;
        trainer.advanceTo(now);
      }
      return { seconds: now - 100, samples: trainer.read().samplesPerRank };
    };
    const small = secondsAt(8);
    const large = secondsAt(64);
    expect(large.seconds).to.be.below(small.seconds * 0.6);
    expect(large.samples).to.be.above(small.samples);
  });

  it('is the same for the same seed and calls, and scatters otherwise', () => {
    const play = (seed: number) => {
      const trainer = aTrainer({ seed });
      trainer.offer(aTuning(), 100);
      for (let now = 100; now < 130; now += 0.7) trainer.advanceTo(now);
      return trainer.read();
    };
    expect(play(1)).to.deep.equal(play(1));
    expect(play(1).total.sum).not.to.equal(play(2).total.sum);
  });

  it('does not depend on how often it is looked at', () => {
    const play = (stride: number) => {
      const trainer = aTrainer();
      trainer.offer(aTuning(), 100);
      for (let now = 100; now < 120; now += stride) trainer.advanceTo(now);
      trainer.advanceTo(120);
      return trainer.read();
    };
    expect(play(0.1)).to.deep.equal(play(20));
  });

  it('applies a newer tuning at the next step and ignores older ones', () => {
    const trainer = aTrainer();
    trainer.offer(aTuning(), 100);
    trainer.offer(aTuning({ version: 5, microBatchSize: 64 }), 110);
    const before = trainer.read();
    expect(before.configVersion).to.equal(1);
    trainer.advanceTo(110.1);
    expect(trainer.read()).to.include({ configVersion: 5, configAppliedStep: before.steps + 1 });
    trainer.offer(aTuning({ version: 4, microBatchSize: 16 }), 111);
    trainer.advanceTo(112);
    expect(trainer.read()).to.include({ configVersion: 5, rejectedVersion: undefined });
  });

  const refused: Readonly<Record<string, { readonly tuning: string; readonly version: number | undefined }>> = {
    out_of_memory: { tuning: aTuning({ version: 2, microBatchSize: 301 }), version: 2 },
    world_size: { tuning: aTuning({ version: 2, dataParallelSize: 2 }), version: 2 },
    invalid: { tuning: '{ "version": 2', version: undefined },
  };
  for (const [reason, { tuning, version }] of Object.entries(refused)) {
    it(`refuses with ${reason} and goes on as before`, () => {
      const trainer = aTrainer();
      trainer.offer(aTuning(), 100);
      trainer.offer(tuning, 110);
      const stepsBefore = trainer.read().steps;
      trainer.advanceTo(111);
      const figures = trainer.read();
      expect(figures).to.include({ configVersion: 1, rejectedVersion: version });
      expect(figures.rejections).to.include({ [reason]: 1 });
      expect(figures.steps).to.be.above(stepsBefore);
      expect(figures.memoryUsedBytes).to.equal(1e9 + 32 * 1e7);
    });
  }

  it('accepts a tuning that fits exactly', () => {
    const trainer = aTrainer();
    trainer.offer(aTuning({ microBatchSize: 300 }), 100);
    expect(trainer.read()).to.include({ configVersion: 1, memoryUsedBytes: 4e9 });
  });

  it('writes a checkpoint when it is asked to, and a second time only when asked anew', () => {
    const trainer = aTrainer();
    trainer.offer(aTuning(), 100);
    trainer.offer(aTuning({ version: 2, checkpointRequest: 1 }), 110);
    trainer.advanceTo(115);
    const first = trainer.checkpoint;
    expect(first?.request).to.equal(1);
    trainer.offer(aTuning({ version: 3, checkpointRequest: 1 }), 120);
    trainer.advanceTo(125);
    expect(trainer.checkpoint).to.equal(first);
    expect(trainer.read().checkpoints.count).to.equal(1);
  });

  it('serves the checkpoint of a tuning that it refuses', () => {
    const trainer = aTrainer();
    trainer.offer(aTuning(), 100);
    trainer.offer(aTuning({ version: 2, microBatchSize: 9999, checkpointRequest: 1 }), 110);
    trainer.advanceTo(115);
    expect(trainer.read()).to.include({ configVersion: 1, rejectedVersion: 2 });
    expect(trainer.checkpoint?.request).to.equal(1);
  });

  it('waits for the next checkpoint when the tuning says so', () => {
    const trainer = aTrainer({ profile: aProfile({ checkpointEverySeconds: 20 }) });
    trainer.offer(aTuning(), 100);
    trainer.offer(aTuning({ version: 2, effectiveAt: 'nextCheckpoint' }), 105);
    trainer.advanceTo(119);
    expect(trainer.read().configVersion).to.equal(1);
    trainer.advanceTo(123);
    expect(trainer.read().configVersion).to.equal(2);
  });

  it('goes on from a checkpoint with counters of its own', () => {
    const checkpoint: Checkpoint = { step: 700, progress: 0.4, request: 3 };
    const trainer = aTrainer({ checkpoint, dataParallelSize: 2, nodes: 2 });
    trainer.offer(aTuning({ dataParallelSize: 2, microBatchSize: 16, checkpointRequest: 3 }), 100);
    trainer.advanceTo(110);
    const figures = trainer.read();
    expect(figures.steps).to.equal(700 + figures.total.count);
    expect(figures.samplesPerRank).to.equal(figures.total.count * 16);
    expect(figures.completedRatio).to.be.above(0.4);
    expect(figures.checkpoints.count, 'request 3 was served before the restart').to.equal(0);
  });

  it('shows gradients from which the noise scale can be read', () => {
    const profile: TrainingProfile = aProfile({ stepsPerGradientObservation: 1, noiseScales: [500, 500] });
    const trainer = aTrainer({ profile, work: { steps: 100_000, globalBatchSize: 128 } });
    trainer.offer(aTuning({ microBatchSize: 32, gradientAccumulationSteps: 4 }), 100);
    trainer.advanceTo(400);
    const { gradientSmallSum, gradientLargeSum, gradientObservations, gradientBatches } = trainer.read();
    const { small = 0, large = 0 } = gradientBatches ?? {};
    expect([small, large]).to.deep.equal([32, 128]);
    const smallNorm = gradientSmallSum / gradientObservations;
    const largeNorm = gradientLargeSum / gradientObservations;
    const signal = (large * largeNorm - small * smallNorm) / (large - small);
    const trace = (smallNorm - largeNorm) / (1 / small - 1 / large);
    expect(trace / signal / noiseScaleAt(profile, 0.5)).to.be.within(0.85, 1.15);
  });
});
