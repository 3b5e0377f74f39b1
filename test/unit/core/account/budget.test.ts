import { expect } from 'chai';
import { type BudgetLine, judgeBudget } from '../../../../src/core/account/budget.ts';

const line = (spent: number, ahead?: BudgetLine['ahead'], resource: BudgetLine['resource'] = 'Cost'): BudgetLine => ({
  resource,
  limit: 100,
  spent,
  ahead,
});
const ahead = (value: number, low = value / 2) => ({ value, low });

const cases: Record<string, { lines: readonly BudgetLine[]; state: string; isCertain?: boolean; of?: string }> = {
  'is within what is neither spent nor forecast': { lines: [line(10, ahead(20))], state: 'Within' },
  'knows no forecast without one': { lines: [line(79)], state: 'Within' },
  'warns of what is spent': { lines: [line(80)], state: 'Warning' },
  'warns of the forecast': { lines: [line(10, ahead(75))], state: 'Warning' },
  'looks at the whole run, not at what is spent': { lines: [line(10, ahead(95))], state: 'ForecastExceeds' },
  'is certain when the least would be too much': {
    lines: [line(10, ahead(200, 91))],
    state: 'ForecastExceeds',
    isCertain: true,
  },
  'is certain when all is spent': { lines: [line(100, ahead(0))], state: 'Exceeded', isCertain: true },
  'tells of the worst': {
    lines: [line(10), line(10, ahead(95), 'Energy'), line(85, undefined, 'Carbon')],
    state: 'ForecastExceeds',
    of: 'Energy',
  },
  'tells of what is certain first': {
    lines: [line(10, ahead(95)), line(10, ahead(200, 150), 'Carbon')],
    state: 'ForecastExceeds',
    isCertain: true,
    of: 'Carbon',
  },
};

describe('judgeBudget', () => {
  for (const [name, { lines, state, isCertain = false, of = 'Cost' }] of Object.entries(cases)) {
    it(name, () => {
      const verdict = judgeBudget(lines, 0.8);
      expect({ state: verdict?.state, isCertain: verdict?.isCertain, of: verdict?.line.resource }).to.deep.equal({
        ...{ state, isCertain, of },
      });
    });
  }
  it('has nothing to say without a budget', () => {
    expect(judgeBudget([], 0.8)).to.equal(undefined);
  });
});
