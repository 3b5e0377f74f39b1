import { type Answer, type CapacityPrices, findPrices, respond } from './capacity-prices.ts';
import { Choice, NOT_PLACED } from './choice.ts';
import { closeGap } from './close-gap.ts';
import { amountOf, type CouplingJob, type CouplingTable, tabulate } from './coupling-table.ts';
import { makeFit, useWhatIsFree } from './fit-choice.ts';

export type { CouplingJob, CouplingOption } from './coupling-table.ts';

/** Rows up to which the rest of the gap is searched; beyond, a few rows' rounding is nothing beside the whole. */
const ROWS_SEARCHED = 1000;

export interface Coupling {
  /** For each job, in the order given, the index of its option; undefined where no option could be given to it. */
  readonly choice: readonly (number | undefined)[];
  /** Keys of the jobs without an option: the least that they ask for does not fit. */
  readonly unplaced: readonly string[];
  /** Currency, of the jobs that were placed. */
  readonly cost: number;
  /** No choice for the jobs that were placed costs less than this. Currency. */
  readonly lowerBound: number;
  /** Share of the cost by which it may exceed the least possible; 0 is proven optimal. */
  readonly gap: number;
  /** What one more unit of each resource would save, in currency; 0 where there is enough. */
  readonly prices: readonly number[];
}

/**
 * Chooses one option per job so that the costs add up to the least while no resource is exceeded: a multiple-choice
 * knapsack with several rows. Every job gets an option whenever the least that each may ask for fits as a whole.
 *
 * Deterministic, and the same for any order of the jobs. O(options) when everybody can have the cheapest; otherwise
 * a bounded number of such passes.
 *
 * @param limits what each resource has: GPUs or nodes of a pool, currency per second of a budget; +Infinity is no limit
 * @throws when a cost, an amount or a limit is no number that can be planned with
 */
export function couple(jobs: readonly CouplingJob[], limits: readonly number[]): Coupling {
  // 1. Give everybody the cheapest. Where that fits, nothing is left to decide.
  const table = tabulate(jobs, limits);
  const free = new Float64Array(limits.length);
  const atNothing = respond(table, free);
  const cheapest = new Choice(table, atNothing.options);
  if (cheapest.mostExceeded() === undefined) return report(jobs, cheapest, { prices: free, answer: atNothing });

  // 2. Find the prices of the resources at which the jobs' own choices come nearest to what there is.
  const found = findPrices(table, atNothing);

  // 3. Make these choices fit and hand out what is left over; where that matters, also upwards from the least of each.
  const choice = bestFit(table, found, atNothing);

  // 4. Search between it and the bound, where few jobs make every one of them count.
  return report(jobs, table.jobCount > ROWS_SEARCHED ? choice : closeGap(choice, found), found);
}

function bestFit(table: CouplingTable, { prices, answer }: CapacityPrices, atNothing: Answer): Choice {
  const fromAbove = new Choice(table, answer.options.slice());
  makeFit(fromAbove, prices);
  useWhatIsFree(fromAbove, prices, atNothing.options);
  if (fromAbove.unplaced() === 0 && table.jobCount > ROWS_SEARCHED) return fromAbove;
  const fromBelow = new Choice(table, leastUse(table));
  makeFit(fromBelow, prices);
  useWhatIsFree(fromBelow, prices, atNothing.options);
  return fromBelow.isBetterThan(fromAbove) ? fromBelow : fromAbove;
}

/** Each row's option that holds the smallest share of what there is, and of equal ones the cheapest. */
function leastUse(table: CouplingTable): Int32Array {
  const options = new Int32Array(table.jobCount).fill(NOT_PLACED);
  for (let row = 0; row < table.jobCount; row++) {
    let least = Number.POSITIVE_INFINITY;
    for (let option = table.start[row] as number; option < (table.start[row + 1] as number); option++) {
      const share = shareHeld(table, option);
      const best = options[row] as number;
      const isCheaper = best !== NOT_PLACED && (table.cost[option] as number) < (table.cost[best] as number);
      if (share > least || (share === least && best !== NOT_PLACED && !isCheaper)) continue;
      least = share;
      options[row] = option;
    }
  }
  return options;
}

function shareHeld(table: CouplingTable, option: number): number {
  let sum = 0;
  for (let use = table.useStart[option] as number; use < (table.useStart[option + 1] as number); use++) {
    const amount = table.useAmount[use] as number;
    const limit = table.limit[table.useResource[use] as number] as number;
    if (amount > 0) sum += amount / Math.max(limit, Number.MIN_VALUE);
  }
  return sum;
}

function report(jobs: readonly CouplingJob[], choice: Choice, { prices, answer }: CapacityPrices): Coupling {
  const { table, options } = choice;
  const chosen = new Array<number | undefined>(jobs.length).fill(undefined);
  let lowerBound = answer.bound;
  for (let row = 0; row < table.jobCount; row++) {
    const option = options[row] as number;
    if (option !== NOT_PLACED) chosen[table.place[row] as number] = option - (table.start[row] as number);
    // What the others cost at least does not depend on a job that is not among them.
    else lowerBound -= valueAt(table, prices, answer.options[row] as number);
  }
  const cost = choice.cost();
  // The sums that led to both were rounded apart.
  lowerBound = Math.min(lowerBound, cost);
  return {
    choice: chosen,
    unplaced: jobs.flatMap(({ key }, index) => (chosen[index] === undefined ? [key] : [])).sort(),
    cost,
    lowerBound,
    gap: cost === lowerBound ? 0 : (cost - lowerBound) / Math.max(Math.abs(cost), Math.abs(lowerBound)),
    prices: [...prices],
  };
}

function valueAt(table: CouplingTable, prices: Float64Array, option: number): number {
  if (option === NOT_PLACED) return 0;
  let sum = table.cost[option] as number;
  for (let resource = 0; resource < prices.length; resource++) {
    sum += (prices[resource] as number) * amountOf(table, option, resource);
  }
  return sum;
}
