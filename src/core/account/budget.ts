/** What a budget is set on. */
export type BudgetedResource = 'Cost' | 'Energy' | 'Carbon';

export interface BudgetLine {
  readonly resource: BudgetedResource;
  readonly limit: number;
  readonly spent: number;
  /** What the rest of the work is estimated to take; undefined while its end is not known. */
  readonly ahead: { readonly value: number; readonly low: number } | undefined;
}

export interface BudgetVerdict {
  readonly line: BudgetLine;
  readonly state: 'Within' | 'Warning' | 'ForecastExceeds' | 'Exceeded';
  /**
   * Whether a run may be stopped for it: all is spent, or it would be though the rest took as little as it may, so that
   * no forecast that errs stops one.
   */
  readonly isCertain: boolean;
}

const ORDER = ['Within', 'Warning', 'ForecastExceeds', 'Exceeded'] as const;

/**
 * The line that is worst off; the first of several. Undefined without lines.
 *
 * @param warnFraction of a limit, spent or in the forecast of the whole job, from which a warning is given
 */
export function judgeBudget(lines: readonly BudgetLine[], warnFraction: number): BudgetVerdict | undefined {
  return lines
    .map((line) => judgeLine(line, warnFraction))
    .sort((one, other) => rank(other) - rank(one))
    .at(0);
}

function judgeLine(line: BudgetLine, warnFraction: number): BudgetVerdict {
  const { limit, spent, ahead } = line;
  if (spent >= limit) return { line, state: 'Exceeded', isCertain: true };
  const total = spent + (ahead?.value ?? 0);
  if (total > limit) return { line, state: 'ForecastExceeds', isCertain: spent + (ahead?.low ?? 0) > limit };
  return { line, state: total >= limit * warnFraction ? 'Warning' : 'Within', isCertain: false };
}

const rank = ({ state, isCertain }: BudgetVerdict) => 2 * ORDER.indexOf(state) + (isCertain ? 1 : 0);
