import { expect } from 'chai';
import fc from 'fast-check';
import { planWithinCarbon } from '../../../../src/core/plan/carbon-budget.ts';
import { planSlots, type SlotQuestion } from '../../../../src/core/plan/slots.ts';

const HOUR = 3600;

/** One worker of a kilowatt for two hours of work; the cheap hours are the dirty ones. */
function aQuestion(
  hours: readonly { price: number; carbon: number }[],
  parts: Partial<SlotQuestion> = {},
): SlotQuestion {
  return {
    now: 0,
    slots: hours.map(({ price, carbon }, index) => ({
      from: index * HOUR,
      to: (index + 1) * HOUR,
      moneyPerKwh: price,
      kgCo2ePerKwh: carbon,
      rentFactor: undefined,
      relativeError: undefined,
    })),
    levels: [
      { workPerSecond: 0, rentPerSecond: 0, kilowatts: 0 },
      { workPerSecond: 1 / HOUR, rentPerSecond: 0, kilowatts: 1 },
    ],
    workLeft: 2,
    deadline: hours.length * HOUR,
    restartSeconds: 0,
    currentLevel: 0,
    minRunSeconds: 0,
    maxPauses: Number.POSITIVE_INFINITY,
    timeValuePerSecond: 0,
    carbonPrice: 0,
    ...parts,
  };
}

const CHEAP_IS_DIRTY = [
  { price: 1, carbon: 0.9 },
  { price: 1, carbon: 0.9 },
  { price: 2, carbon: 0.5 },
  { price: 4, carbon: 0.1 },
];

describe('planWithinCarbon', () => {
  const cases: Record<string, { budget: number; want: { fits: boolean; kgCo2e: number } }> = {
    'leaves a plan alone that fits': { budget: 2, want: { fits: true, kgCo2e: 1.8 } },
    'moves as many hours as the budget asks for': { budget: 1.4, want: { fits: true, kgCo2e: 1.4 } },
    'takes the cleanest hours for the tightest budget': { budget: 0.6, want: { fits: true, kgCo2e: 0.6 } },
    'says when no hours are clean enough': { budget: 0.5, want: { fits: false, kgCo2e: 0.6 } },
    'says so of a budget that is overspent': { budget: -1, want: { fits: false, kgCo2e: 0.6 } },
  };
  for (const [title, { budget, want }] of Object.entries(cases)) {
    it(title, () => {
      const { plan, fits } = planWithinCarbon(aQuestion(CHEAP_IS_DIRTY), budget);
      expect(fits).to.equal(want.fits);
      expect(plan.kgCo2e).to.be.at.most(want.kgCo2e + 1e-9);
    });
  }

  it('does not price carbon when the budget does not bind', () => {
    expect(planWithinCarbon(aQuestion(CHEAP_IS_DIRTY), 2)).to.include({ carbonPrice: 0 });
  });

  it('refuses an unknown budget', () => {
    expect(() => planWithinCarbon(aQuestion(CHEAP_IS_DIRTY), Number.NaN)).to.throw(RangeError, /budget is unknown/);
  });

  it('keeps the budget whenever it says so, and asks for money only when it has to', () => {
    const hour = fc.record({ price: fc.integer({ min: 1, max: 50 }), carbon: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(fc.array(hour, { minLength: 3, maxLength: 12 }), fc.nat(100), (hours, budget) => {
        const question = aQuestion(hours);
        const { plan, fits, carbonPrice } = planWithinCarbon(question, budget);
        const free = planSlots(question);
        expect(fits).to.equal(plan.kgCo2e <= budget);
        if (fits) expect(carbonPrice > 0).to.equal(free.kgCo2e > budget);
        expect(plan.cost - carbonPrice * plan.kgCo2e).to.be.at.least(free.lowerBound - 1e-6);
      }),
    );
  });
});
