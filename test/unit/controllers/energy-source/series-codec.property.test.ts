import { expect } from 'chai';
import fc from 'fast-check';
import { decodeSeries, encodeSeries } from '../../../../src/controllers/energy-source/series-codec.ts';
import { forecastSignal } from '../../../../src/core/forecast/forecast.ts';
import { foldReading, NO_RECORD } from '../../../../src/core/forecast/record.ts';
import { anEnergySource } from '../../../support/an-energy-source.ts';

const HOUR = 3600;
const NOW = Date.parse('2026-03-02T10:20:00Z') / 1000;
const { spec } = anEnergySource();

const anyReading = fc.array(
  fc.record({
    hour: fc.integer({ min: -27 * 24, max: 60 }),
    value: fc.double({ min: 0, max: 900, noNaN: true }),
  }),
  { maxLength: 300 },
);

describe('the stored series of a source', () => {
  it('tells a restarted operator the same forecast', () => {
    fc.assert(
      fc.property(anyReading, (reading) => {
        const start = Math.floor(NOW / HOUR) * HOUR;
        const slots = reading.map(({ hour, value }) => ({
          from: start + hour * HOUR,
          to: start + (hour + 1) * HOUR,
          value,
        }));
        const record = foldReading(NO_RECORD, slots, NOW);
        const restored = decodeSeries(encodeSeries(record, spec, NOW), spec);
        expect(restored.knownUntil).to.equal(record.knownUntil);
        const [before, after] = [record, restored].map((each) => forecastSignal(each, NOW));
        expect(after?.method).to.equal(before?.method);
        expect(after?.hours.length).to.equal(before?.hours.length);
        after?.hours.forEach(({ from, value }, index) => {
          expect(from).to.equal(before?.hours[index]?.from);
          expect(value).to.be.closeTo(before?.hours[index]?.value ?? Number.NaN, 0.01);
        });
      }),
      { numRuns: 50 },
    );
  });

  it('fits into a ConfigMap whatever the provider tells', () => {
    const slots = Array.from({ length: 40 * 24 * 12 }, (_, index) => {
      const from = NOW - 30 * 86_400 + index * 300;
      return { from, to: from + 300, value: 123.456789012 + index };
    });
    let record = NO_RECORD;
    for (let hour = 0; hour < 24; hour++) record = foldReading(record, slots, NOW + hour * HOUR);
    expect(encodeSeries(record, spec, NOW).length).to.be.below(100_000);
  });

  it('is not that of another signal', () => {
    const record = foldReading(NO_RECORD, [{ from: NOW, to: NOW + 600, value: 1 }], NOW);
    const text = encodeSeries(record, spec, NOW);
    const region = anEnergySource({
      spec: { provider: { type: 'GbCarbonIntensity', gbCarbonIntensity: { regionId: 3 } } },
    });
    expect(decodeSeries(text, region.spec)).to.equal(NO_RECORD);
    expect(decodeSeries(text, anEnergySource({ spec: { refreshSeconds: 60 } }).spec).slots).to.have.length(1);
  });

  for (const [name, text] of Object.entries({
    nothing: undefined,
    'half of it': '{"identity": "x", "va',
    'another thing': '{"values": 3}',
    null: 'null',
    'no lists in the list': '{"identity":"x","first":1,"values":[],"published":[3]}',
  })) {
    it(`is empty where the ConfigMap holds ${name}`, () => {
      expect(decodeSeries(text, spec)).to.equal(NO_RECORD);
    });
  }
});
