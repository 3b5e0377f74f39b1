import { expect } from 'chai';
import { InputError } from '../../../../src/simulator/input-error.ts';
import { readCsv } from '../../../../src/simulator/traces/csv.ts';
import { aTraceFolder } from '../../../support/a-scenario.ts';

describe('CSV reader', () => {
  const read = (text: string, columns = ['a', 'b']) => readCsv(`${aTraceFolder({ 'x.csv': text })}/x.csv`, columns);

  it('reads numbers and text by column, whatever the order and the line ends', () => {
    const [row] = read('b,a,c\r\n1.5,word,\r\n').rows;
    expect([row?.text('a'), row?.number('b'), row?.optionalNumber('c'), row?.optionalNumber('d')]).to.deep.equal([
      'word',
      1.5,
      undefined,
      undefined,
    ]);
  });

  const bad: Readonly<Record<string, { readonly text: string; readonly want: RegExp }>> = {
    'a missing column': { text: 'a\n1\n', want: /column b is missing; the first line must name a, b/ },
    'a word for a number': { text: 'a,b\n1,x\n', want: /x\.csv:2: b is 'x'; it must be a number/ },
    'an empty field': { text: 'a,b\n1,2\n1,\n', want: /x\.csv:3: b is empty; every line must give it/ },
    quotes: { text: 'a,b\n"1",2\n', want: /x\.csv:2: quoted fields are not read/ },
  };
  for (const [name, { text, want }] of Object.entries(bad)) {
    it(`says where ${name} stands`, () => {
      expect(() => read(text).rows.map((row) => row.number('b'))).to.throw(InputError, want);
    });
  }

  it('says that a file is not there', () => {
    expect(() => readCsv('/nowhere/x.csv', [])).to.throw(InputError, /\/nowhere\/x\.csv cannot be read/);
  });
});
