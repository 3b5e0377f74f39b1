import { expect } from 'chai';
import fc from 'fast-check';
import { cholesky, inverse, solve } from '../../../../src/core/estimate/linear-algebra.ts';

const SIZE = 4;
const value = fc.double({ min: -3, max: 3, noNaN: true });

/** A·Aᵀ + 1 of a random A: positive definite. */
const matrix = fc.array(value, { minLength: SIZE * SIZE, maxLength: SIZE * SIZE }).map((a) =>
  Array.from({ length: SIZE * SIZE }, (_, at) => {
    const [i, j] = [Math.floor(at / SIZE), at % SIZE];
    let sum = i === j ? 1 : 0;
    for (let k = 0; k < SIZE; k++) sum += (a[i * SIZE + k] ?? 0) * (a[j * SIZE + k] ?? 0);
    return sum;
  }),
);
const times = (one: ArrayLike<number>, vector: ArrayLike<number>) =>
  Array.from({ length: SIZE }, (_, i) => {
    let sum = 0;
    for (let k = 0; k < SIZE; k++) sum += (one[i * SIZE + k] ?? 0) * (vector[k] ?? 0);
    return sum;
  });

describe('linear algebra', () => {
  it('solves and inverts what is positive definite', () => {
    fc.assert(
      fc.property(matrix, fc.array(value, { minLength: SIZE, maxLength: SIZE }), (given, right) => {
        const lower = cholesky(given, SIZE);
        for (const found of [solve(lower, right), times(inverse(lower, SIZE), right)]) {
          times(given, found).forEach((entry, i) => {
            expect(entry).to.be.closeTo(right[i] ?? Number.NaN, 1e-8);
          });
        }
      }),
      { numRuns: 100 },
    );
  });

  for (const [name, given] of [
    ['an indefinite matrix', [1, 2, 2, 1]],
    ['what is no number', [Number.NaN, 0, 0, 1]],
  ] as const) {
    it(`refuses ${name}`, () => expect(() => cholesky(given, 2)).to.throw(/not positive definite: pivot/));
  }
});
