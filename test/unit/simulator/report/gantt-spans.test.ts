import { expect } from 'chai';
import fc from 'fast-check';
import { drawnSpans } from '../../../../src/simulator/report/gantt-spans.ts';
import type { AllocationSpan } from '../../../../src/simulator/result.ts';

function adjacent(pieces: readonly { readonly seconds: number; readonly gpus: number }[]): readonly AllocationSpan[] {
  let at = 0;
  return pieces.map(({ seconds, gpus }) => {
    const from = at;
    at += seconds;
    return { from, to: at, state: gpus === 0 ? 'Waiting' : 'Running', pool: 't4', gpus, globalBatchSize: 64 };
  });
}

describe('spans of a row of the Gantt', () => {
  it('are joined where they look alike', () => {
    const spans = drawnSpans(
      adjacent([
        { seconds: 5, gpus: 2 },
        { seconds: 5, gpus: 2 },
        { seconds: 5, gpus: 4 },
      ]),
    );
    expect(spans.map(({ from, to, gpus }) => [from, to, gpus])).to.deep.equal([
      [0, 10, 2],
      [10, 15, 4],
    ]);
  });

  it('leave out what has no length or no known instant', () => {
    const [span] = adjacent([{ seconds: 5, gpus: 2 }]);
    if (span === undefined) throw new Error('no span');
    expect(
      drawnSpans([
        { ...span, to: 0 },
        { ...span, from: Number.NaN },
      ]),
    ).to.deep.equal([]);
  });

  it('cover the run without overlap, in a bounded number of pieces', () => {
    const piece = fc.record({ seconds: fc.integer({ min: 1, max: 500 }), gpus: fc.integer({ min: 0, max: 8 }) });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 600 }), (pieces) => {
        const allocation = adjacent(pieces);
        const spans = drawnSpans(allocation);
        expect(spans.length).to.be.at.most(200);
        expect(spans[0]?.from).to.equal(0);
        expect(spans.at(-1)?.to).to.be.closeTo(allocation.at(-1)?.to ?? 0, 1e-6);
        for (const [index, span] of spans.entries()) {
          if (index > 0) expect(span.from).to.be.closeTo(spans[index - 1]?.to ?? Number.NaN, 1e-6);
        }
      }),
      { numRuns: 50 },
    );
  });
});
