import { expect } from 'chai';
import fc from 'fast-check';
import { forecastSignal, whatIsKnown } from '../../../../src/core/forecast/forecast.ts';
import { foldReading, NO_RECORD, type SignalRecord } from '../../../../src/core/forecast/record.ts';
import { expectedShiftingGain, promisedShiftingGain } from '../../../../src/core/forecast/shifting-gain.ts';
import type { SignalKind, SignalSlot } from '../../../../src/core/forecast/signal-slot.ts';
import { blend } from '../../../../src/core/forecast/skill.ts';

const HOUR = 3600;
/** A midnight. */
const START = Date.parse('2026-03-02T00:00:00Z') / 1000;
const at = (hour: number) => START + hour * HOUR;

function slotsOf(valueAt: (hour: number) => number, first: number, end: number): SignalSlot[] {
  return Array.from({ length: end - first }, (_, index) => {
    const from = at(first + index);
    return { from, to: from + HOUR, value: valueAt(first + index) };
  });
}

/** Solar at noon, a peak in the evening. */
const daily = (hour: number) => {
  const time = ((hour % 24) + 24) % 24;
  return time >= 10 && time < 16 ? 80 : time >= 18 && time < 21 ? 400 : 250;
};
/** The same for the same hour; no pattern that repeats. */
const weather = (hour: number) => 60 * Math.sin(hour / 7.3) * Math.sin(hour / 31 + 1);
const measured = (valueAt: (hour: number) => number, days: number) =>
  foldReading(NO_RECORD, slotsOf(valueAt, 0, days * 24), at(days * 24 - 1));

describe('the forecast of a signal', () => {
  it('says nothing where nothing is known', () => {
    expect(forecastSignal(NO_RECORD, START)).to.deep.equal({
      hours: [],
      method: 'None',
      relativeError: undefined,
      historyHours: 0,
    });
  });

  it('repeats what is the same every day, without error', () => {
    const record = measured(daily, 21);
    const { hours, method, relativeError } = forecastSignal(record, at(21 * 24 - 1));
    expect(method).to.equal('LastDays');
    expect(relativeError).to.equal(0);
    expect(hours).to.have.length(168);
    for (const { from, value, low, high } of hours) {
      const want = daily((from - START) / HOUR);
      expect(value).to.be.closeTo(want, 1e-6);
      expect([low, high].map((end) => Math.round(end ?? Number.NaN))).to.deep.equal([want, want]);
    }
  });

  it('takes a published forecast at its word until it can be compared', () => {
    const record = foldReading(NO_RECORD, slotsOf(daily, -3, 40), START);
    const { hours, method } = forecastSignal(record, START);
    expect(method).to.equal('Published');
    expect(hours.slice(0, 40).map(({ value }) => value)).to.deep.equal(slotsOf(daily, 0, 40).map(({ value }) => value));
    expect(hours[10]?.deviation, 'its error is not known').to.equal(undefined);
  });

  it('trusts a published forecast that proves right, and drops one that proves to be noise', () => {
    const truth = (hour: number) => daily(hour) + weather(hour);
    const nonsense = (hour: number) => 250 + 150 * Math.sin(hour * 12.9898);
    for (const [published, wanted] of [[truth, 'Published'] as const, [nonsense, 'LastDays'] as const]) {
      const record = published12Days(truth, published);
      const { method, hours } = forecastSignal(record, at(12 * 24));
      const errors = hours.slice(1, 25).map(({ from, value }) => Math.abs(value - truth((from - START) / HOUR)));
      if (wanted === 'Published') expect(Math.max(...errors)).to.be.below(1e-6);
      else expect(['LastDays', 'Blended']).to.include(method);
      if (wanted === 'LastDays') expect(errors.reduce((sum, error) => sum + error, 0) / 24).to.be.below(80);
    }
  });

  it('follows unit and offset of the signal', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 1000, noNaN: true }),
        fc.integer({ min: -500, max: 500 }),
        (scale, offset) => {
          const truth = (hour: number) => daily(hour) + weather(hour);
          const plain = forecastSignal(measured(truth, 14), at(14 * 24 - 1)).hours;
          const changed = forecastSignal(
            measured((hour) => scale * (truth(hour) + offset), 14),
            at(14 * 24 - 1),
          ).hours;
          expect(changed).to.have.length(plain.length);
          changed.forEach(({ value }, index) => {
            const want = scale * ((plain[index]?.value ?? Number.NaN) + offset);
            expect(value).to.be.closeTo(want, 1e-6 * scale * 1000);
          });
        },
      ),
      { numRuns: 20 },
    );
  });

  it('is a number, with its interval around it, whatever is missing', () => {
    const holes = fc.uniqueArray(fc.integer({ min: 0, max: 20 * 24 - 1 }), { maxLength: 400 });
    fc.assert(
      fc.property(holes, (missing) => {
        const gone = new Set(missing);
        const all = slotsOf((hour) => daily(hour) + weather(hour), 0, 20 * 24);
        const record = foldReading(
          NO_RECORD,
          all.filter((_, hour) => !gone.has(hour)),
          at(20 * 24 - 1),
        );
        for (const hour of forecastSignal(record, at(20 * 24 - 1)).hours) {
          expect(Number.isFinite(hour.value)).to.equal(true);
          expect(hour.to - hour.from).to.equal(HOUR);
          if (hour.low !== undefined) expect(hour.low).to.be.at.most(hour.high ?? Number.NaN);
        }
      }),
      { numRuns: 30 },
    );
  });

  it('keeps a future that a reading leaves out, and lets the newest reading win', () => {
    const first = foldReading(
      NO_RECORD,
      slotsOf(() => 100, 0, 48),
      START,
    );
    const second = foldReading(
      first,
      slotsOf(() => 200, 0, 24),
      at(1),
    );
    const { hours } = forecastSignal(second, at(1));
    expect([hours[0]?.value, hours[22]?.value, hours[30]?.value]).to.deep.equal([200, 200, 100]);
    expect(second.knownUntil).to.equal(at(48));
  });

  it('cuts off what lasts for ever', () => {
    const { slots, knownUntil = 0 } = foldReading(NO_RECORD, [{ from: -1e300, to: 1e300, value: 5 }], START);
    expect(slots).to.have.length(1);
    expect(knownUntil).to.equal(at(169));
  });

  it('stands a source whose clock is ten minutes ahead, or behind', () => {
    for (const skew of [-600, 600]) {
      const skewed = slotsOf(daily, 0, 21 * 24).map(({ from, to, value }) => ({
        from: from + skew,
        to: to + skew,
        value,
      }));
      const now = at(21 * 24 - 1);
      const { hours } = forecastSignal(foldReading(NO_RECORD, skewed, now), now);
      expect(hours[0]?.from).to.equal(now);
      const errors = hours.slice(1).map(({ from, value }) => Math.abs(value - daily((from - START) / HOUR)));
      expect(Math.max(...errors)).to.be.below(170 / 6 + 1);
    }
  });

  it('forgets what is older than four weeks', () => {
    const old = foldReading(
      NO_RECORD,
      slotsOf(() => 100, 0, 24),
      START,
    );
    expect(foldReading(old, [], at(24 * 40)).slots).to.deep.equal([]);
  });

  it('blends what both say, and takes the one that says something', () => {
    expect(blend(10, 20, 0.25)).to.equal(17.5);
    expect(blend(Number.NaN, 20, 1)).to.equal(20);
    expect(blend(10, Number.NaN, 0)).to.equal(10);
    expect(blend(Number.NaN, Number.NaN, 0.5)).to.be.NaN;
  });
});

describe('the expected gain of shifting', () => {
  const now = at(21 * 24 - 1);

  it('is none on a flat grid, and unknown without a few days', () => {
    expect(
      gainOf(
        measured(() => 300, 21),
        'CarbonIntensity',
        now,
      ),
    ).to.equal(0);
    expect(gainOf(measured(daily, 2), 'CarbonIntensity', at(47))).to.equal(undefined);
    expect(gainOf(NO_RECORD, 'Price', now)).to.equal(undefined);
  });

  it('is what the best third of a day that repeats is below its mean', () => {
    const mean = (6 * 80 + 3 * 400 + 15 * 250) / 24;
    const best = (6 * 80 + 2 * 250) / 8;
    expect(gainOf(measured(daily, 21), 'CarbonIntensity', now)).to.be.closeTo((mean - best) / mean, 1e-9);
    expect(promisedShiftingGain(foldReading(NO_RECORD, slotsOf(daily, 0, 24), START), 'Price', START)).to.be.closeTo(
      (mean - best) / mean,
      1e-9,
    );
  });

  it('seeks high hours of a renewable share', () => {
    const share = (hour: number) => daily(hour) / 500;
    const mean = (6 * 80 + 3 * 400 + 15 * 250) / 24;
    const best = (3 * 400 + 5 * 250) / 8;
    expect(gainOf(measured(share, 21), 'RenewableShare', now)).to.be.closeTo((best - mean) / mean, 1e-9);
  });

  it('is nothing much where hours vary but cannot be foreseen', () => {
    const noise = (hour: number) => 250 + 150 * Math.sin(hour * hour * 12.9898);
    expect(gainOf(measured(noise, 21), 'CarbonIntensity', now)).to.be.within(-0.15, 0.15);
  });

  it('stands prices below zero', () => {
    const price = (hour: number) => (daily(hour) - 250) / 1000;
    expect(gainOf(measured(price, 21), 'Price', now)).to.be.greaterThan(0.5);
  });
});

const gainOf = (record: SignalRecord, kind: SignalKind, now: number) =>
  expectedShiftingGain(whatIsKnown(record, now), kind, now);

/** Twelve days of readings every six hours, each with a forecast of two days. */
function published12Days(truth: (hour: number) => number, published: (hour: number) => number): SignalRecord {
  let record = foldReading(NO_RECORD, slotsOf(truth, -10 * 24, 0), at(-1));
  for (let hour = 0; hour <= 12 * 24; hour += 6) {
    const reading = [...slotsOf(truth, hour - 6, hour + 1), ...slotsOf(published, hour + 1, hour + 49)];
    record = foldReading(record, reading, at(hour));
  }
  return record;
}
