import { expect } from 'chai';
import { readEnergy } from '../../../../src/simulator/traces/energy.ts';
import { aTraceFolder } from '../../../support/a-scenario.ts';

describe('energy series', () => {
  const series = readEnergy(`${aTraceFolder()}/zone.csv`);
  const start = Date.parse('2023-01-02T00:00:00Z') / 1000;

  it('has a value for each hour, and begins anew past its end', () => {
    expect(series.at(start + 10)).to.deep.equal({ pricePerMwh: 50, carbonGramsPerKwh: 100 });
    expect(series.at(start + 2 * 3600).pricePerMwh).to.equal(70);
    expect(series.at(start + 3 * 3600)).to.deep.equal(series.at(start));
    expect(series.at(start - 1)).to.deep.equal(series.at(start + 2 * 3600));
  });

  it('keeps the last price where one is missing', () => {
    expect(series.at(start + 3600)).to.deep.equal({ pricePerMwh: 50, carbonGramsPerKwh: 200 });
  });
});
