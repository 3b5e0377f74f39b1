import { expect } from 'chai';
import { readPolluxProfile } from '../../../../src/simulator/traces/pollux-profiles.ts';
import { heldSeconds, splitBatch } from '../../../../src/simulator/world/training-world.ts';
import { aTraceFolder } from '../../../support/a-scenario.ts';

describe('a profile as published with Pollux', () => {
  const world = readPolluxProfile(`${aTraceFolder()}/traces/tiny`);
  const seconds = (placement: readonly number[], microBatchSize: number, gradientAccumulationSteps = 1) =>
    world.stepSeconds({ placement, microBatchSize, gradientAccumulationSteps }).total;

  it('takes its limits from what was measured', () => {
    expect(world).to.deep.include({
      application: 'tiny',
      referenceBatchSize: 10,
      maxGlobalBatchSize: 40,
      minMicroBatchSize: 10,
      maxMicroBatchSize: 40,
      maxGpus: 8,
    });
  });

  it('gives measured step times back, and those between on a line', () => {
    expect(seconds([2], 10)).to.be.closeTo(0.3, 1e-12);
    expect(seconds([1], 25)).to.be.closeTo(0.35, 1e-12);
  });

  it('exchanges once however many passes a step has', () => {
    expect(seconds([2], 10, 3)).to.be.closeTo(3 * 0.2 + 0.1, 1e-12);
  });

  it('finds full nodes between full nodes', () => {
    // Two GPUs to a node: 1 node 0.3 s, 4 nodes 0.7 s. Three nodes of two were not measured.
    expect(seconds([2, 2, 2], 10)).to.be.closeTo(0.4 + ((0.7 - 0.4) * 1) / 2, 1e-12);
  });

  it('takes as many steps as the measured runs, and in between by one over the batch', () => {
    expect(world.course(10).steps).to.equal(1000);
    expect(world.course(40).steps).to.equal(600);
    // 1/16 lies half-way between 1/10 and 1/40.
    expect(world.course(16).steps).to.be.closeTo(800, 1e-9);
  });

  it('walks along a course and back', () => {
    const course = world.course(40);
    for (const share of [0, 0.2, 0.5, 0.9, 1])
      expect(course.shareAt(course.stepsAt(share))).to.be.closeTo(share, 1e-12);
    expect(course.stepsAt(0.5)).to.equal(200);
  });

  it('averages gradients over the steps of a span', () => {
    // Half of these 500 steps have |G|² 2, half 1; tr Σ is the variance at batch 10 times 10.
    expect(world.course(10).gradients(0.25, 0.75)).to.deep.equal({ signal: 1.5, trace: 80 });
  });

  it('holds a batch to the end', () => {
    expect(splitBatch(world, 120, 2)).to.deep.equal({ microBatchSize: 30, gradientAccumulationSteps: 2 });
    expect(heldSeconds(world, [1], 40)).to.be.closeTo(600 * 0.5, 1e-9);
  });
});
