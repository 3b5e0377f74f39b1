import type { CapacityPrices } from './capacity-prices.ts';
import { Choice } from './choice.ts';
import { rent } from './coupling-table.ts';

/** Options that were put into a trial choice, at most: some milliseconds. */
const NODES = 20_000;

/** Share of the cost below which a gap is left as it is: far less than anybody knows a cost. */
const LEFT_OPEN = 2e-4;

/** A row with the options that may still be part of a better choice. */
interface OpenRow {
  readonly row: number;
  readonly options: readonly number[];
  /** What each option costs more than the row's best at the prices, ascending. */
  readonly regrets: readonly number[];
}

/**
 * Looks for a cheaper choice between the bound and the one known. An option whose regret (extra cost at the capacity
 * prices) exceeds the gap cannot be part of one, which leaves few rows open (Pisinger's core, European Journal of
 * Operational Research 83, 1995); these are searched depth first, for a bounded number of nodes.
 */
export function closeGap(known: Choice, { prices, answer }: CapacityPrices): Choice {
  const gap = known.cost() - answer.bound;
  if (known.unplaced() > 0 || gap <= LEFT_OPEN * Math.abs(known.cost())) return known;
  const open = openRows(known, prices, gap);
  const search = new Search(known, prices, open, gap);
  search.visit(0, 0);
  return search.best;
}

function openRows(known: Choice, prices: Float64Array, gap: number): readonly OpenRow[] {
  const { table } = known;
  const open: OpenRow[] = [];
  for (let row = 0; row < table.jobCount; row++) {
    const valued: { option: number; value: number }[] = [];
    for (let option = table.start[row] as number; option < (table.start[row + 1] as number); option++) {
      valued.push({ option, value: (table.cost[option] as number) + rent(table, prices, option) });
    }
    valued.sort((one, other) => one.value - other.value || one.option - other.option);
    const least = valued[0]?.value ?? 0;
    const kept = valued.filter(({ value }) => value - least < gap);
    open.push({
      row,
      options: kept.map(({ option }) => option),
      regrets: kept.map(({ value }) => value - least),
    });
  }
  // Clear-cut rows first: what is tried most often is then where little is at stake.
  const atStake = ({ regrets }: OpenRow) => regrets[1] ?? Number.POSITIVE_INFINITY;
  return open.sort((one, other) =>
    atStake(one) === atStake(other) ? one.row - other.row : atStake(other) - atStake(one),
  );
}

class Search {
  best: Choice;
  readonly #trial: Choice;
  readonly #prices: Float64Array;
  readonly #open: readonly OpenRow[];
  /** Per depth: the least and the most that the rows from there on hold of each resource. */
  readonly #least: readonly Float64Array[];
  readonly #most: readonly Float64Array[];
  /** What a choice may cost above the bound to be better than the best. */
  #gap: number;
  #nodes = 0;

  constructor(known: Choice, prices: Float64Array, open: readonly OpenRow[], gap: number) {
    this.best = known;
    this.#trial = new Choice(known.table, new Int32Array(known.options.length).fill(-1));
    this.#prices = prices;
    this.#open = open;
    this.#gap = gap;
    [this.#least, this.#most] = holdingsFrom(open, known);
  }

  visit(depth: number, regret: number): void {
    const row = this.#open[depth];
    if (row === undefined) {
      this.#keep();
      return;
    }
    for (let index = 0; index < row.options.length && this.#nodes < NODES; index++) {
      const total = regret + (row.regrets[index] as number);
      if (total >= this.#gap) return;
      this.#nodes++;
      this.#trial.set(row.row, row.options[index] as number);
      if (this.#mayFit(depth + 1, total)) this.visit(depth + 1, total);
      this.#trial.set(row.row, -1);
    }
  }

  /** Whether the rest can be placed, without leaving so much unused that the bound is out of reach. */
  #mayFit(depth: number, regret: number): boolean {
    const { held, table } = this.#trial;
    let unused = 0;
    for (let resource = 0; resource < held.length; resource++) {
      const now = held[resource] as number;
      if (now + (this.#least[depth]?.[resource] ?? 0) > (table.ceiling[resource] as number)) return false;
      const price = this.#prices[resource] as number;
      if (price === 0) continue;
      unused += price * Math.max(0, (table.limit[resource] as number) - now - (this.#most[depth]?.[resource] ?? 0));
    }
    return regret + unused < this.#gap;
  }

  #keep(): void {
    const saved = this.best.cost() - this.#trial.cost();
    if (!(saved > 0)) return;
    this.#gap -= saved;
    this.best = this.#trial.copy();
  }
}

function holdingsFrom(open: readonly OpenRow[], { table }: Choice): [Float64Array[], Float64Array[]] {
  const size = table.limit.length;
  const least = [new Float64Array(size)];
  const most = [new Float64Array(size)];
  for (const { options } of [...open].reverse()) {
    const low = new Float64Array(size).fill(Number.POSITIVE_INFINITY);
    const high = new Float64Array(size);
    for (const option of options) {
      const held = new Float64Array(size);
      for (let use = table.useStart[option] as number; use < (table.useStart[option + 1] as number); use++) {
        const resource = table.useResource[use] as number;
        held[resource] = (held[resource] as number) + (table.useAmount[use] as number);
      }
      held.forEach((value, resource) => {
        low[resource] = Math.min(low[resource] as number, value);
        high[resource] = Math.max(high[resource] as number, value);
      });
    }
    least.push(low.map((value, resource) => value + (least.at(-1)?.[resource] ?? 0)));
    most.push(high.map((value, resource) => value + (most.at(-1)?.[resource] ?? 0)));
  }
  return [least.reverse(), most.reverse()];
}
