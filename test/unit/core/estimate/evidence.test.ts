import { expect } from 'chai';
import fc from 'fast-check';
import { type Evidence, foldReading, NO_EVIDENCE } from '../../../../src/core/estimate/evidence.ts';
import type { TrainerReading } from '../../../../src/core/estimate/reading.ts';
import { planFleet } from '../../../../src/core/plan-fleet.ts';
import { aConfiguration, aJob, aSnapshot } from '../../../support/a-job.ts';
import { aReading } from '../../../support/a-reading.ts';

const inForce = aConfiguration();

/** The reading of a trainer that did `steps` steps of 10 ms and 16 samples. */
function readingAt(steps: number, parts: Partial<TrainerReading> = {}): TrainerReading {
  return aReading({
    observedAt: steps / 100,
    steps,
    samples: steps * 16,
    stepSecondsSum: steps / 100,
    stepSecondsCount: steps,
    ...parts,
  });
}

const fold = (readings: readonly TrainerReading[], start: Evidence = NO_EVIDENCE): Evidence =>
  readings.reduce((evidence, reading) => foldReading(evidence, reading, inForce, 16), start);

describe('foldReading', () => {
  it('counts work, and times all but the first window', () => {
    const two = fold([readingAt(100), readingAt(200)]);
    expect(two).to.deep.include({ cleanReadings: 1, stepTimes: [] });
    const three = fold([readingAt(300)], two);
    expect(three.cleanReadings).to.equal(2);
    expect(three.stepTimes[0]?.meanSeconds).to.be.closeTo(0.01, 1e-9);
    expect(three.progress).to.deep.include({ steps: 300, samples: 4800, referenceSamples: 4800, lastStepAt: 3 });
  });

  it('takes a reading once, and none from the past', () => {
    const evidence = fold([readingAt(100), readingAt(200)]);
    expect(fold([readingAt(200), readingAt(150)], evidence)).to.equal(evidence);
  });

  it('begins anew after a change of configuration, of ranks, or of an unknown version', () => {
    const evidence = fold([readingAt(100), readingAt(200), readingAt(300)]);
    for (const parts of [{ configVersion: 2 }, { ranks: 2 }, { configVersion: undefined }]) {
      const changed = fold([readingAt(400, parts)], evidence);
      expect(changed.cleanReadings, JSON.stringify(parts)).to.equal(0);
      expect(changed.stepTimes).to.eql(evidence.stepTimes);
      expect(changed.progress.steps).to.equal(400);
    }
  });

  it('does not count the steps before a lost reading twice', () => {
    const lost = readingAt(300, { steps: undefined });
    expect(fold([readingAt(100), readingAt(200), lost, readingAt(400)]).progress).to.deep.include({
      steps: 400,
      samples: 6400,
    });
  });

  describe('after a restart of the trainer', () => {
    const start = fold([readingAt(100), readingAt(1000, { checkpointStep: 900 })]);
    const table = [
      { name: 'takes lost steps back when it goes on from its checkpoint', steps: 950, want: 950 },
      { name: 'adds what a counter from zero shows, less what was lost', steps: 30, want: 930 },
    ];
    for (const { name, steps, want } of table) {
      it(name, () => expect(fold([readingAt(steps, { observedAt: 20 })], start).progress.steps).to.equal(want));
    }

    it('adds what a counter from zero shows when no checkpoint is known', () => {
      const evidence = fold([readingAt(1000), readingAt(30, { observedAt: 20 })]);
      expect(evidence.progress.steps).to.equal(1030);
    });
  });

  it('learns nothing from what is no measurement, and never fails', () => {
    const start = fold([
      readingAt(100),
      readingAt(200),
      readingAt(300),
      readingAt(400, { memoryUsedBytes: 5, memoryLimitBytes: 50 }),
    ]);
    const nonsense = fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -1);
    const names = Object.keys(aReading()).filter((name) => !['observedAt', 'ranks', 'rejectionReason'].includes(name));
    const reading = fc.record(Object.fromEntries(names.map((name) => [name, nonsense])));
    fc.assert(
      fc.property(reading, (parts) => {
        const last = readingAt(500, parts as Partial<TrainerReading>);
        const folded = fold([last], start);
        expect(folded).to.eql({ ...start, last });
        const [decision] = planFleet({ ...aSnapshot([aJob({ evidence: folded })]), now: 6 }).decisions;
        expect(decision?.action).to.equal('Hold');
        expect(decision?.reason).to.equal('MetricsUnavailable');
      }),
      { numRuns: 200 },
    );
  });

  it('keeps to measurements when one field of a reading is nonsense', () => {
    const start = fold([readingAt(100), readingAt(200), readingAt(300)]);
    const names = Object.keys(aReading()).filter((name) => name !== 'rejectionReason');
    const bad = fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, -1);
    fc.assert(
      fc.property(fc.constantFrom(...names), bad, (name, value) => {
        const folded = fold([readingAt(400, { [name]: value }), readingAt(500), readingAt(600)], start);
        for (const { meanSeconds, weight } of folded.stepTimes) {
          expect(meanSeconds).to.be.closeTo(0.01, 1e-9);
          expect(weight).to.be.greaterThan(0);
        }
        expect(folded.progress.steps).to.equal(600);
        expect(folded.progress.referenceSamples).to.equal(9600);
        expect(folded.memory).to.eql([]);
        expect(folded.losses).to.eql([]);
      }),
      { numRuns: 200 },
    );
  });

  it('ignores a reading without an instant', () => {
    const start = fold([readingAt(100)]);
    expect(fold([readingAt(200, { observedAt: Number.NaN })], start)).to.equal(start);
  });
});
