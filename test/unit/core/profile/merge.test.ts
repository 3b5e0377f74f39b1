import { expect } from 'chai';
import fc from 'fast-check';
import { MAX_RUNS, mergeRuns } from '../../../../src/core/profile/merge.ts';
import type { RunRecord } from '../../../../src/core/profile/run-record.ts';
import { aRun } from '../../../support/a-run.ts';

const runs: fc.Arbitrary<readonly RunRecord[]> = fc.array(
  fc
    .record({
      uid: fc.integer({ min: 0, max: 40 }).map(String),
      endedAt: fc.integer({ min: 0, max: 5 }),
      cost: fc.integer({ min: 0, max: 3 }),
    })
    .map(aRun),
  { maxLength: 30 },
);

describe('merging runs', () => {
  it('is commutative', () => {
    fc.assert(
      fc.property(runs, runs, (a, b) => {
        expect(mergeRuns(a, b)).to.deep.equal(mergeRuns(b, a));
      }),
    );
  });

  it('is associative', () => {
    fc.assert(
      fc.property(runs, runs, runs, (a, b, c) => {
        expect(mergeRuns(mergeRuns(a, b), c)).to.deep.equal(mergeRuns(a, mergeRuns(b, c)));
      }),
    );
  });

  it('is idempotent and bounded, with each run once', () => {
    fc.assert(
      fc.property(runs, (a) => {
        const merged = mergeRuns(a, []);
        expect(mergeRuns(merged, merged)).to.deep.equal(merged);
        expect(merged.length).to.be.at.most(MAX_RUNS);
        expect(new Set(merged.map(({ uid }) => uid)).size).to.equal(merged.length);
      }),
    );
  });

  it('keeps the newest', () => {
    const many = Array.from({ length: 30 }, (_, index) => aRun({ uid: `${index}`, endedAt: index }));
    expect(mergeRuns(many, []).map(({ endedAt }) => endedAt)).to.deep.equal(
      Array.from({ length: MAX_RUNS }, (_, index) => 29 - index),
    );
  });
});
