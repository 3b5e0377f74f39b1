import type { Run } from './slot-runs.ts';
import type { SlotTable } from './slot-table.ts';

/** A level for every slot up to some slot, whether or not it does all the work. */
interface Path {
  /** Currency, value of time included. */
  readonly money: number;
  readonly work: number;
  readonly runs: () => readonly Run[];
}

export interface PathPair {
  /** The best paths at one price of work: of less, and of at least as much, as is left. */
  readonly under: readonly Run[];
  readonly over: readonly Run[];
  /** No plan that does the work costs less. Currency. */
  readonly bound: number;
}

/** Looks at the slots, at most; each halves what is open, or ends the search. */
const ROUNDS = 40;

const ROUNDING = 1e-9;

/**
 * Finds the price of work at which the best path does just the work that is left, from the two paths beside it (Handler
 * and Zang, A dual algorithm for the constrained shortest path problem, Networks 10, 1980). At a given price a path
 * is found exactly, restarts included. Within a slot cost and work are linear in time, so that no plan that changes
 * between the boundaries is below the bound either. Undefined when no path does the work in time.
 */
export function findPaths(table: SlotTable): PathPair | undefined {
  const { workLeft } = table.question;
  let under: Path = { money: 0, work: 0, runs: () => [] };
  let over = mostWork(table);
  // A plan that is made again half-way has lost a rounding error of its work.
  if (over.work < workLeft * (1 - ROUNDING)) return undefined;
  let bound = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const price = (over.money - under.money) / (over.work - under.work);
    const line = over.money - price * over.work;
    const path = bestPath(table, price);
    const value = path.money - price * path.work;
    bound = Math.max(bound, price < 0 ? leastOf(table) : value + price * workLeft);
    if (!(value < line - ROUNDING * Math.abs(over.money))) break;
    if (path.work < workLeft) under = path;
    else over = path;
  }
  return { under: under.runs(), over: over.runs(), bound };
}

/**
 * The bound at a price of 0. Below 0, where running earns money, a run that ends amid its restart would be worth more
 * than the boundaries of slots show.
 */
function leastOf(table: SlotTable): number {
  return bestPath(table, 0).money;
}

/** The fastest level throughout, or the current one where changing costs more than it brings. */
function mostWork(table: SlotTable): Path {
  const { question, edge, slotCount, levelCount, work } = table;
  const { now, currentLevel, restartSeconds } = question;
  const end = edge[slotCount] as number;
  let best: Path = { money: 0, work: 0, runs: () => [] };
  for (let level = 1; level < levelCount; level++) {
    const seconds = end - now - (level === currentLevel ? 0 : restartSeconds);
    const done = (work[level] as number) * seconds;
    if (done <= best.work) continue;
    const money =
      (table.spent[level * (slotCount + 1) + slotCount] as number) + question.timeValuePerSecond * (end - now);
    best = { money, work: done, runs: () => [{ from: now, to: end, level }] };
  }
  return best;
}

/** The path of least money − price × work. O(slots × levels): a restart costs the same from wherever. */
function bestPath(table: SlotTable, price: number): Path {
  const { slotCount, levelCount, question } = table;
  const cameFrom = new Uint8Array(slotCount * levelCount);
  const value = new Float64Array(levelCount).fill(Number.POSITIVE_INFINITY);
  value[question.currentLevel] = 0;
  const front: Front = { value, work: new Float64Array(levelCount), nearest: question.currentLevel };
  let stop = { slots: 0, level: 0, work: 0, value: 0 };
  for (let slot = 0; slot < slotCount; slot++) {
    advance(table, price, slot, front, cameFrom);
    const level = front.nearest;
    const worth = value[level] as number;
    if (worth < stop.value) stop = { slots: slot + 1, level, work: front.work[level] as number, value: worth };
  }
  return {
    money: stop.value + price * stop.work,
    work: stop.work,
    runs: () => runsOf(table, cameFrom, stop.slots, stop.level),
  };
}

/** Per level: what the best path that ends on it is worth, and the work that it did; and the level of the best of all. */
interface Front {
  readonly value: Float64Array;
  readonly work: Float64Array;
  nearest: number;
}

function advance(table: SlotTable, price: number, slot: number, front: Front, cameFrom: Uint8Array): void {
  const { edge, rate, work, levelCount, question } = table;
  const { value, work: done, nearest } = front;
  const seconds = (edge[slot + 1] as number) - (edge[slot] as number);
  const nearestValue = value[nearest] as number;
  const nearestDone = done[nearest] as number;
  let least = Number.POSITIVE_INFINITY;
  for (let level = 0; level < levelCount; level++) {
    const at = slot * levelCount + level;
    const pace = work[level] as number;
    const lost = pace * question.restartSeconds;
    const isChange = nearestValue + price * lost < (value[level] as number);
    const before = isChange ? nearestValue + price * lost : (value[level] as number);
    const after = before + ((rate[at] as number) + question.timeValuePerSecond - price * pace) * seconds;
    done[level] = (isChange ? nearestDone - lost : (done[level] as number)) + pace * seconds;
    cameFrom[at] = isChange ? nearest : level;
    value[level] = after;
    if (after < least) {
      least = after;
      front.nearest = level;
    }
  }
}

function runsOf({ edge, levelCount }: SlotTable, cameFrom: Uint8Array, slots: number, last: number): readonly Run[] {
  const runs: Run[] = [];
  let level = last;
  for (let slot = slots - 1; slot >= 0; slot--) {
    const from = edge[slot] as number;
    const after = runs.at(-1);
    if (level !== 0) {
      if (after !== undefined && after.level === level && after.from === edge[slot + 1]) {
        runs[runs.length - 1] = { ...after, from };
      } else runs.push({ from, to: edge[slot + 1] as number, level });
    }
    level = cameFrom[slot * levelCount + level] as number;
  }
  return runs.reverse();
}
