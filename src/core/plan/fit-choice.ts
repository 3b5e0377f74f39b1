import { type Choice, NOT_PLACED } from './choice.ts';
import { amountOf, rent } from './coupling-table.ts';

/** A row that would take another option; the smaller `order`, the sooner. */
interface Move {
  readonly row: number;
  readonly option: number;
  readonly order: number;
}

/** Rounds of moves; each looks at every option of the rows concerned once, and the last ones move next to nothing. */
const ROUNDS = 30;
const SAVING_ROUNDS = 6;

/**
 * Makes an overfull choice fit: row by row, where giving up a unit of the exceeded resource costs least at the given
 * prices. A job that can only use the resource loses its place once nobody else can yield.
 */
export function makeFit(choice: Choice, prices: Float64Array): void {
  for (let round = 0; round < ROUNDS; round++) {
    const resource = choice.mostExceeded();
    if (resource === undefined) return;
    const moves = waysToYield(choice, prices, resource);
    for (const { row, option } of moves) {
      if (!isExceeded(choice, resource)) break;
      if (choice.hasRoomFor(row, option)) choice.set(row, option);
    }
    if (moves.length === 0) displace(choice, resource);
  }
  for (let exceeded = choice.mostExceeded(); exceeded !== undefined; exceeded = choice.mostExceeded()) {
    displace(choice, exceeded);
  }
}

function isExceeded({ held, table }: Choice, resource: number): boolean {
  return (held[resource] as number) > (table.ceiling[resource] as number);
}

/** For each row that holds the resource, the cheapest way to hold less of it, cheapest first. */
function waysToYield(choice: Choice, prices: Float64Array, resource: number): readonly Move[] {
  const { table, options } = choice;
  const moves: Move[] = [];
  for (let row = 0; row < table.jobCount; row++) {
    const current = options[row] as number;
    const has = current === NOT_PLACED ? 0 : amountOf(table, current, resource);
    if (has === 0) continue;
    const value = (table.cost[current] as number) + rent(table, prices, current);
    const best = firstMove(choice, row, (option) => {
      const yielded = has - amountOf(table, option, resource);
      if (yielded <= 0) return Number.POSITIVE_INFINITY;
      return ((table.cost[option] as number) + rent(table, prices, option) - value) / yielded;
    });
    if (best !== undefined) moves.push(best);
  }
  return moves.sort((one, other) => one.order - other.order || other.row - one.row);
}

/** The option of a row that comes first and for which there is room; one of infinite order is none. */
function firstMove(choice: Choice, row: number, orderOf: (option: number) => number): Move | undefined {
  const { start } = choice.table;
  const end = start[row + 1] as number;
  let best: Move | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (let option = start[row] as number; option < end; option++) {
    const order = orderOf(option);
    if (!(order < least) || !choice.hasRoomFor(row, option)) continue;
    least = order;
    best = { row, option, order };
  }
  return best;
}

/** Takes the place of those that hold most, so that few lose theirs, until the resource suffices. */
function displace(choice: Choice, resource: number): void {
  const { table, options } = choice;
  const holders: Move[] = [];
  for (let row = 0; row < table.jobCount; row++) {
    const option = options[row] as number;
    const has = option === NOT_PLACED ? 0 : amountOf(table, option, resource);
    if (has > 0) holders.push({ row, option, order: -has });
  }
  holders.sort((one, other) => one.order - other.order || other.row - one.row);
  for (const { row } of holders) {
    if (!isExceeded(choice, resource)) return;
    choice.set(row, NOT_PLACED);
  }
}

/** Hands out what is free, where a unit of it saves most; those without a place come first. */
export function useWhatIsFree(choice: Choice, prices: Float64Array, cheapest: Int32Array): void {
  placeTheRest(choice, prices);
  for (let round = 0; round < SAVING_ROUNDS; round++) {
    let changed = false;
    for (const { row, option } of waysToSave(choice, prices, cheapest)) {
      if (!choice.hasRoomFor(row, option)) continue;
      choice.set(row, option);
      changed = true;
    }
    if (!changed) return;
  }
}

function placeTheRest(choice: Choice, prices: Float64Array): void {
  const { table, options } = choice;
  for (let row = 0; row < table.jobCount; row++) {
    if (options[row] !== NOT_PLACED) continue;
    const best = firstMove(choice, row, (option) => (table.cost[option] as number) + rent(table, prices, option));
    if (best !== undefined) choice.set(row, best.option);
  }
}

/** @param cheapest each row's option of least cost: who has it wants nothing */
function waysToSave(choice: Choice, prices: Float64Array, cheapest: Int32Array): readonly Move[] {
  const { table, options } = choice;
  const moves: Move[] = [];
  for (let row = 0; row < table.jobCount; row++) {
    const current = options[row] as number;
    if (current === NOT_PLACED || current === cheapest[row]) continue;
    const cost = table.cost[current] as number;
    const paid = rent(table, prices, current);
    const best = firstMove(choice, row, (option) => {
      const saved = cost - (table.cost[option] as number);
      if (saved <= 0) return Number.POSITIVE_INFINITY;
      // Rent per currency saved; what needs no more of a priced resource comes before, by what it saves.
      const more = rent(table, prices, option) - paid;
      return more > 0 ? more / saved : -saved;
    });
    if (best !== undefined) moves.push(best);
  }
  return moves.sort((one, other) => one.order - other.order || one.row - other.row);
}
