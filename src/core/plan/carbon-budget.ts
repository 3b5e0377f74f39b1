import { planSlots, type SlotPlan, type SlotQuestion } from './slots.ts';

/** Doublings and halvings of the price, at most: a thousandth of it. */
const DOUBLINGS = 30;
const HALVINGS = 12;

export interface BudgetedPlan {
  readonly plan: SlotPlan;
  /** Currency per kg CO2e at which the plan was made; the question's own when the budget does not bind. */
  readonly carbonPrice: number;
  /** False when no price brings the plan within the budget; it then emits as little as was found. */
  readonly fits: boolean;
}

/**
 * The cheapest plan that emits no more than the budget: carbon is priced, and the price raised until the plan fits. A
 * budget is a limit that somebody set, which a silent weight between money and carbon is not.
 *
 * @param budgetKg kg CO2e until the work is done
 * @throws when the budget is no number
 */
export function planWithinCarbon(question: SlotQuestion, budgetKg: number): BudgetedPlan {
  if (Number.isNaN(budgetKg)) throw new RangeError('the carbon budget is unknown; a number of kg CO2e is needed');
  const at = (carbonPrice: number): BudgetedPlan => {
    const plan = planSlots({ ...question, carbonPrice });
    return { plan, carbonPrice, fits: plan.kgCo2e <= budgetKg };
  };
  let low = at(question.carbonPrice);
  if (low.fits || low.plan.kgCo2e === 0) return low;
  let cleanest = low;
  let high = at(Math.max(question.carbonPrice, Math.abs(low.plan.cost) / low.plan.kgCo2e / 16, Number.MIN_VALUE));
  for (let doubling = 0; doubling < DOUBLINGS && !high.fits; doubling++) {
    low = high;
    high = at(2 * high.carbonPrice);
    if (high.plan.kgCo2e < cleanest.plan.kgCo2e) cleanest = high;
  }
  if (!high.fits) return cleanest;
  for (let halving = 0; halving < HALVINGS; halving++) {
    const middle = at((low.carbonPrice + high.carbonPrice) / 2);
    if (middle.fits) high = middle;
    else low = middle;
  }
  return high;
}
