import { expect } from 'chai';
import fc from 'fast-check';
import { fromDecimal, toDecimal } from '../../../src/api/decimal.ts';
import { decimal } from '../../../src/api/fields.ts';

describe('decimal', () => {
  const cases: Record<string, [number, string]> = {
    zero: [0, '0'],
    'negative zero': [-0, '0'],
    integer: [768, '768'],
    'trailing zeros of an integer': [100, '100'],
    fraction: [0.526, '0.526'],
    'a sum that floats round': [0.1 + 0.2, '0.3'],
    'a very small rate': [6.5e-8, '0.000000065'],
    negative: [-12.5, '-12.5'],
    'nine digits': [1234.56789012, '1234.56789'],
    large: [1e20, '100000000000000000000'],
    'below what a field holds': [1e-20, '0'],
  };
  for (const [name, [value, text]] of Object.entries(cases)) {
    it(`writes ${name}`, () => {
      expect(toDecimal(value)).to.equal(text);
    });
  }

  it('always fits the pattern of the status and comes back within nine digits', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, min: -1e20, max: 1e20 }), (value) => {
        const text = toDecimal(value);
        expect(decimal().safeParse(text).success, text).to.equal(true);
        expect(fromDecimal(text)).to.be.closeTo(value, Math.max(1e-15, Math.abs(value) * 1e-8));
      }),
    );
  });

  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, 1e21]) {
    it(`refuses ${value}`, () => {
      expect(() => toDecimal(value)).to.throw(RangeError, `${value}`);
    });
  }

  for (const text of ['', ' ', 'low', '1,5', 'NaN', 'Infinity']) {
    it(`does not read "${text}"`, () => {
      expect(() => fromDecimal(text)).to.throw(RangeError, `"${text}" is not a decimal number`);
    });
  }
});
