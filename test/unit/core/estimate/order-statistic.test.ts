import { expect } from 'chai';
import fc from 'fast-check';
import { orderStatistics } from '../../../../src/core/estimate/order-statistic.ts';

/** As `Float64Array.sort` has them: -0 before 0, NaN last. */
const inOrder = (values: readonly number[]) => [...new Float64Array(values).sort()];

describe('orderStatistics', () => {
  const tables: Record<string, { values: readonly number[]; place: number; want: readonly [number, number] }> = {
    'of one value': { values: [3], place: 0, want: [3, Number.NaN] },
    'of equal values': { values: [2, 2, 2], place: 1, want: [2, 2] },
    'of falling values': { values: [5, 4, 3, 2, 1], place: 1, want: [2, 3] },
    'the last': { values: [1, 9, 4], place: 2, want: [9, Number.NaN] },
    'with an unknown value': { values: [Number.NaN, 1, 2], place: 1, want: [2, Number.NaN] },
    'of unknown values alone': { values: [Number.NaN], place: 0, want: [Number.NaN, Number.NaN] },
    'of nothing': { values: [], place: 0, want: [Number.NaN, Number.NaN] },
    'beside an infinite one': { values: [Number.POSITIVE_INFINITY, 1], place: 0, want: [1, Number.POSITIVE_INFINITY] },
  };
  for (const [name, { values, place, want }] of Object.entries(tables)) {
    it(name, () => expect(orderStatistics(values, place)).to.deep.equal(want));
  }

  it('are those of the sorted values, and leave the values as they were', () => {
    const anyNumber = fc.oneof(fc.double(), fc.integer({ min: -3, max: 3 }));
    fc.assert(
      fc.property(fc.array(anyNumber, { minLength: 1, maxLength: 200 }), fc.nat(), (values, any) => {
        const before = [...values];
        const place = any % values.length;
        const [here, next] = orderStatistics(values, place);
        const wanted = inOrder(values);
        // Whether a zero is negative makes no difference to any plan.
        expect(here + 0).to.deep.equal((wanted[place] ?? Number.NaN) + 0);
        expect(next + 0).to.deep.equal((wanted[place + 1] ?? Number.NaN) + 0);
        expect(values).to.deep.equal(before);
      }),
    );
  });
});
