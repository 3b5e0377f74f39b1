import { expect } from 'chai';
import { plausible } from '../../../../src/core/forecast/plausible.ts';
import type { SignalKind, SignalSlot } from '../../../../src/core/forecast/signal-slot.ts';

const slot = (value: number, hour = 0): SignalSlot => ({ from: hour * 3600, to: (hour + 1) * 3600, value });
const week = (value: number) => Array.from({ length: 168 }, (_, hour) => slot(value + (hour % 3), hour));

interface Case {
  readonly kind: SignalKind;
  readonly value: number;
  readonly history?: readonly SignalSlot[];
  readonly want: boolean;
}

const cases: Record<string, Case> = {
  'a price below zero': { kind: 'Price', value: -0.05, want: true },
  'a scarcity price': { kind: 'Price', value: 9, history: week(0.03), want: true },
  'a price of 10⁹ per MWh': { kind: 'Price', value: 1e6, want: false },
  'a price of −50 per kWh where it is cents': {
    kind: 'Price',
    value: -50,
    history: Array(168).fill(slot(0.04)),
    want: false,
  },
  'a price after a week of zeros': { kind: 'Price', value: 0.3, history: Array(168).fill(slot(0)), want: true },
  'a carbon intensity below zero': { kind: 'CarbonIntensity', value: -50, want: false },
  'a carbon intensity of 10⁹': { kind: 'CarbonIntensity', value: 1e9, want: false },
  'no carbon at all on a grid of which nothing is known': { kind: 'CarbonIntensity', value: 0, want: true },
  'no carbon at all on a grid that burns coal': { kind: 'CarbonIntensity', value: 0, history: week(400), want: false },
  'no carbon at all on a grid that comes near it': {
    kind: 'CarbonIntensity',
    value: 0,
    history: week(30).map((each, hour) => (hour === 7 ? { ...each, value: 1 } : each)),
    want: true,
  },
  'a share of all': { kind: 'RenewableShare', value: 1, want: true },
  'a share above all': { kind: 'RenewableShare', value: 50, want: false },
};

describe('what a reading can be', () => {
  for (const [name, { kind, value, history = [], want }] of Object.entries(cases)) {
    it(`${name} is ${want ? 'kept' : 'left out'}`, () => {
      expect(plausible([slot(value)], kind, history)).to.have.length(want ? 1 : 0);
    });
  }
});
