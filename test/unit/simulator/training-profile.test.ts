import { expect } from 'chai';
import { MEASURED_PROFILES } from '../../../src/simulator/measured-profiles.ts';
import {
  fixedRun,
  memoryBytesOf,
  minimumSteps,
  noiseScaleAt,
  stepSecondsOf,
  timeLapse,
} from '../../../src/simulator/training-profile.ts';
import { aLayout, aProfile } from '../../support/a-profile.ts';

describe('training profile', () => {
  it('adds overhead and samples over the passes of a step', () => {
    const layout = aLayout({ microBatchSize: 100, gradientAccumulationSteps: 3 });
    expect(stepSecondsOf(aProfile(), layout).total).to.be.closeTo(3 * (0.02 + 0.1), 1e-12);
  });

  it('exchanges between nodes more slowly than within one, and hides a part of it', () => {
    const layout = aLayout({ dataParallelSize: 4, microBatchSize: 100 });
    const within = stepSecondsOf(aProfile(), { ...layout, nodes: 1 });
    const between = stepSecondsOf(aProfile(), { ...layout, nodes: 4 });
    expect(within.total).to.be.closeTo(Math.hypot(0.12, 0.03 * 1.5), 1e-12);
    expect(between.total).to.be.closeTo(Math.hypot(0.12, 0.1 * 1.5), 1e-12);
    expect(between.synchronization).to.be.closeTo(between.total - 0.12, 1e-12);
  });

  it('needs no exchange for one rank', () => {
    expect(stepSecondsOf(aProfile(), aLayout({ nodes: 1 })).synchronization).to.be.closeTo(0, 1e-12);
  });

  it('runs geometrically through the measured noise scales', () => {
    const profile = aProfile({ noiseScales: [100, 400, 1600] });
    const at = (progress: number) => noiseScaleAt(profile, progress);
    expect([at(0), at(0.25), at(0.5), at(1), at(7)].map(Math.round)).to.deep.equal([100, 200, 400, 1600, 1600]);
  });

  it('counts work so that the stated batch takes the stated steps', () => {
    const work = { steps: 5000, globalBatchSize: 64 };
    expect(fixedRun(aProfile(), work, aLayout({ microBatchSize: 64 })).steps).to.be.closeTo(5000, 1e-6);
    expect(minimumSteps(aProfile(), work)).to.be.below(5000);
  });

  it('keeps every ratio in a time-lapse', () => {
    const profile = aProfile();
    const layout = aLayout({ dataParallelSize: 4, microBatchSize: 50, nodes: 2 });
    const fast = stepSecondsOf(timeLapse(profile, 60), layout);
    const slow = stepSecondsOf(profile, layout);
    expect(fast.total * 60).to.be.closeTo(slow.total, 1e-12);
    expect(fast.synchronization * 60).to.be.closeTo(slow.synchronization, 1e-12);
  });

  // Step times published with Pollux, in seconds: [ranks, nodes, micro batch, measured].
  const MEASURED: Readonly<Record<string, readonly (readonly [number, number, number, number])[]>> = {
    'cifar10-resnet18-t4': [
      [1, 1, 32, 0.0428],
      [1, 1, 257, 0.1871],
      [1, 1, 1024, 0.7021],
      [2, 2, 32, 0.104],
      [2, 2, 129, 0.133],
      [4, 4, 64, 0.141],
      [4, 1, 129, 0.111],
    ],
    'deepspeech2-t4': [
      [1, 1, 10, 0.4664],
      [1, 1, 40, 1.1217],
      [2, 2, 20, 0.854],
      [4, 4, 10, 0.736],
      [4, 4, 40, 1.319],
    ],
    'imagenet-resnet50-t4': [
      [1, 1, 40, 0.2535],
      [1, 1, 200, 0.9235],
      [2, 1, 81, 0.427],
      [4, 1, 163, 0.831],
      [4, 4, 81, 0.436],
    ],
  };
  for (const [name, points] of Object.entries(MEASURED)) {
    it(`is within 15 % of what was measured of ${name}`, () => {
      const profile = MEASURED_PROFILES[name] ?? aProfile();
      for (const [dataParallelSize, nodes, microBatchSize, measured] of points) {
        const layout = { dataParallelSize, nodes, microBatchSize, gradientAccumulationSteps: 1 };
        expect(stepSecondsOf(profile, layout).total / measured, JSON.stringify(layout)).to.be.within(0.85, 1.15);
      }
    });
  }

  it('leaves room for the largest micro batch that was measured', () => {
    const profile = MEASURED_PROFILES['imagenet-resnet50-t4'] ?? aProfile();
    expect(memoryBytesOf(profile, 200)).to.be.below(profile.memoryLimitBytes);
    expect(memoryBytesOf(profile, 240)).to.be.above(profile.memoryLimitBytes);
  });
});
