import { expect } from 'chai';
import fc from 'fast-check';
import { Timeline } from '../../../../src/core/plan/timeline.ts';

const aSpan = fc.record({
  gpus: fc.integer({ min: 1, max: 8 }),
  from: fc.integer({ min: 0, max: 50 }),
  length: fc.integer({ min: 1, max: 30 }),
});
type Span = { readonly gpus: number; readonly from: number; readonly length: number };

function timelineWith(spans: readonly Span[], gpus = 8): Timeline {
  const timeline = new Timeline(gpus);
  for (const { gpus: taken, from, length } of spans) timeline.take(taken, from, from + length);
  return timeline;
}

/** By looking at every second: all instants here are whole ones. */
function freeAt(spans: readonly Span[], second: number, gpus = 8): number {
  const taken = spans.filter(({ from, length }) => from <= second && second < from + length);
  return taken.reduce((left, span) => left - span.gpus, gpus);
}

describe('timeline', () => {
  const cases: Record<string, { spans: readonly Span[]; gpus: number; seconds: number; want: number }> = {
    'begins at once where nothing is taken': { spans: [], gpus: 8, seconds: 1e9, want: 0 },
    'never has more than there is': { spans: [], gpus: 9, seconds: 1, want: Number.POSITIVE_INFINITY },
    'waits for what is taken': { spans: [{ gpus: 6, from: 0, length: 10 }], gpus: 4, seconds: 5, want: 10 },
    'fits before what comes': { spans: [{ gpus: 6, from: 10, length: 10 }], gpus: 4, seconds: 10, want: 0 },
    'does not fit a gap that is too short': {
      spans: [{ gpus: 6, from: 10, length: 10 }],
      gpus: 4,
      seconds: 11,
      want: 20,
    },
    'is free for ever in the end': {
      spans: [{ gpus: 8, from: 5, length: 5 }],
      gpus: 1,
      seconds: Number.POSITIVE_INFINITY,
      want: 10,
    },
  };
  for (const [name, { spans, gpus, seconds, want }] of Object.entries(cases)) {
    it(name, () => {
      expect(timelineWith(spans).earliest(gpus, seconds)).to.equal(want);
    });
  }

  it('finds the first second from which there are enough for long enough', () => {
    fc.assert(
      fc.property(fc.array(aSpan, { maxLength: 8 }), aSpan, (spans, { gpus, length }) => {
        const isFree = (start: number) =>
          Array.from({ length }, (_, second) => freeAt(spans, start + second)).every((free) => free >= gpus);
        let first = 0;
        while (!isFree(first)) first++;
        expect(timelineWith(spans).earliest(gpus, length)).to.equal(first);
      }),
    );
  });

  it('is as before once what was taken is given back', () => {
    fc.assert(
      fc.property(fc.array(aSpan, { maxLength: 8 }), aSpan, aSpan, (spans, extra, asked) => {
        const timeline = timelineWith(spans);
        timeline.take(extra.gpus, extra.from, extra.from + extra.length);
        timeline.take(-extra.gpus, extra.from, extra.from + extra.length);
        const { gpus, length } = asked;
        expect(timeline.earliest(gpus, length)).to.equal(timelineWith(spans).earliest(gpus, length));
      }),
    );
  });

  it('tells what is free now but not for ever', () => {
    expect(timelineWith([{ gpus: 3, from: 5, length: 5 }]).reservedLater).to.equal(3);
    expect(timelineWith([{ gpus: 3, from: 0, length: 5 }]).reservedLater).to.equal(0);
  });
});
