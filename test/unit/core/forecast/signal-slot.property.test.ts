import { expect } from 'chai';
import fc from 'fast-check';
import { byTheHour } from '../../../../src/core/forecast/hours.ts';
import { inOrder, overlay, type SignalSlot, slotAt } from '../../../../src/core/forecast/signal-slot.ts';

const anySlot = fc
  .record({ from: fc.integer({ min: 0, max: 40 }), minutes: fc.constantFrom(5, 15, 30, 60, 90), value: fc.integer() })
  .map(({ from, minutes, value }): SignalSlot => ({ from: from * 300, to: from * 300 + minutes * 60, value }));
const anySlots = fc.array(anySlot, { maxLength: 12 });
const everyFiveMinutes = Array.from({ length: 80 }, (_, index) => index * 300 + 1);

function expectOrdered(slots: readonly SignalSlot[]): void {
  slots.forEach((slot, index) => {
    expect(slot.to).to.be.greaterThan(slot.from);
    if (index > 0) expect(slot.from).to.be.at.least(slots[index - 1]!.to);
  });
}

describe('slots of a signal', () => {
  it('come out ascending without overlaps, the later of two that overlap holding', () => {
    fc.assert(
      fc.property(anySlots, (slots) => {
        const ordered = inOrder(slots);
        expectOrdered(ordered);
        for (const at of everyFiveMinutes) {
          const last = slots.filter(({ from, to }) => from <= at && at < to).at(-1);
          expect(slotAt(ordered, at)?.value).to.equal(last?.value);
        }
      }),
    );
  });

  it('are replaced where a newer reading says something, and nowhere else', () => {
    fc.assert(
      fc.property(anySlots, anySlots, (before, reading) => {
        const [under, over] = [inOrder(before), inOrder(reading)];
        const both = overlay(under, over);
        expectOrdered(both);
        for (const at of everyFiveMinutes) {
          expect(slotAt(both, at)?.value).to.equal((slotAt(over, at) ?? slotAt(under, at))?.value);
        }
      }),
    );
  });

  it('may be as many as an answer holds, each over the one before', () => {
    const slots = Array.from({ length: 60_000 }, (_, from): SignalSlot => ({ from, to: from + 10, value: from }));
    const ordered = inOrder(slots);
    expect(ordered).to.have.length(60_000);
    expect(ordered.at(-2)).to.deep.equal({ from: 59_998, to: 59_999, value: 59_998 });
  });

  it('without number or length are left out', () => {
    const slots = [
      { from: 0, to: 0, value: 1 },
      { from: 10, to: 5, value: 1 },
      { from: 0, to: 10, value: Number.NaN },
      { from: Number.NaN, to: 10, value: 1 },
    ];
    expect(inOrder(slots)).to.deep.equal([]);
  });

  it('make hours that lie between the least and the greatest value', () => {
    fc.assert(
      fc.property(anySlots, (slots) => {
        const ordered = inOrder(slots);
        const values = ordered.map(({ value }) => value);
        for (const value of byTheHour(ordered, 0, 6).values) {
          if (Number.isNaN(value)) continue;
          expect(value).to.be.within(Math.min(...values) - 1e-3, Math.max(...values) + 1e-3);
        }
      }),
    );
  });

  it('of a quarter of an hour make their mean of the hour, and an hour without any is unknown', () => {
    const quarters = [1, 2, 3, 6].map((value, index) => ({ from: index * 900, to: (index + 1) * 900, value }));
    const { values } = byTheHour(quarters, 0, 2);
    expect(values[0]).to.equal(3);
    expect(values[1]).to.be.NaN;
  });
});
