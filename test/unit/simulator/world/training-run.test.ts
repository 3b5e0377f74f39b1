import { expect } from 'chai';
import fc from 'fast-check';
import { readPolluxProfile } from '../../../../src/simulator/traces/pollux-profiles.ts';
import { TrainingRun } from '../../../../src/simulator/world/training-run.ts';
import { aTraceFolder } from '../../../support/a-scenario.ts';

describe('training run', () => {
  const world = readPolluxProfile(`${aTraceFolder()}/traces/tiny`);
  const one = { placement: [1], microBatchSize: 10, gradientAccumulationSteps: 1, globalBatchSize: 10 };
  const aRun = (timingNoise = 0) =>
    new TrainingRun({ world, normal: () => 1, checkpointEverySeconds: 50, timingNoise, gradientNoise: 0 });

  it('gets as far in many spans as in one', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0.01, max: 20, noNaN: true }), { maxLength: 12 }), (spans) => {
        const many = aRun();
        const whole = aRun();
        many.start(one, 1);
        whole.start(one, 1);
        for (const span of spans) many.advance(span);
        whole.advance(spans.reduce((sum, span) => sum + span, 0));
        expect(many.share).to.be.closeTo(whole.share, 1e-9);
      }),
    );
  });

  it('ends when its steps are done, whatever batches it had', () => {
    const run = aRun();
    run.start(one, 1);
    expect(run.secondsToEnd).to.be.closeTo(200, 1e-9);
    run.advance(100);
    run.reload({ ...one, microBatchSize: 40, globalBatchSize: 40 }, 2);
    // The second half takes 400 steps of half a second at batch 40.
    expect(run.secondsToEnd).to.be.closeTo(200, 1e-9);
    run.advance(200);
    expect(run.isDone).to.equal(true);
  });

  it('shows what protocol v1 shows, summed over ranks', () => {
    const run = aRun();
    run.start({ ...one, placement: [2], globalBatchSize: 20 }, 7);
    run.advance(30.1);
    const reading = run.read(1000);
    expect(reading).to.deep.include({ observedAt: 1000, ranks: 2, steps: 100, samples: 2000, configVersion: 7 });
    expect(reading?.stepSecondsSum).to.be.closeTo(2 * 30, 1e-9);
    expect(reading?.stepSecondsCount).to.equal(200);
    // |g|² of a batch b is |G|² + tr Σ / b.
    expect((reading?.gradientSmallSum ?? 0) / (reading?.gradientObservations ?? 0)).to.be.closeTo(2 + 80 / 10, 1e-9);
    expect((reading?.gradientLargeSum ?? 0) / (reading?.gradientObservations ?? 0)).to.be.closeTo(2 + 80 / 20, 1e-9);
  });

  it('lets measured step times scatter, and nothing else', () => {
    const run = aRun(0.1);
    run.start(one, 1);
    run.advance(20);
    expect(run.read(0)?.stepSecondsSum).to.be.closeTo(20 * Math.exp(0.1), 1e-9);
    expect(run.share).to.be.closeTo(0.1, 1e-9);
  });

  it('counts steps on after a restart, and everything else anew', () => {
    const run = aRun();
    run.start(one, 1);
    run.advance(40);
    run.stop('Saved');
    expect(run.read(0)).to.equal(undefined);
    run.start(one, 2);
    run.advance(2);
    expect(run.read(0)).to.deep.include({ steps: 210, samples: 100, stepSecondsCount: 10 });
  });

  it('loses what was done since the last checkpoint when its node is lost', () => {
    const run = aRun();
    run.start(one, 1);
    run.advance(50);
    run.advance(30);
    run.stop('Lost');
    expect(run.share).to.be.closeTo(0.25, 1e-9);
  });

  it('refuses a batch that does not fit into memory', () => {
    const run = aRun();
    run.start(one, 1);
    run.reload({ ...one, microBatchSize: 41, globalBatchSize: 41 }, 2);
    expect(run.read(0)).to.deep.include({ configVersion: 1, rejectedVersion: 2, rejectionReason: 'out_of_memory' });
  });
});
