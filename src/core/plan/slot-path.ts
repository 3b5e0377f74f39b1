import type { Run } from './slot-runs.ts';
import type { SlotTable } from './slot-table.ts';

/** A level for every slot up to some slot, whether or not it does all the work. */
export interface Path {
  /** Currency, value of time included. */
  readonly money: number;
  readonly work: number;
  readonly runs: readonly Run[];
}

export interface PathPair {
  /** The best paths at one price of work that do less, and at least as much, as is left. */
  readonly under: Path;
  readonly over: Path;
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
 *
 * @param restartFactor weighs restarts more than they cost, for longer runs; the bound then is none
 */
export function findPaths(table: SlotTable, restartFactor = 1): PathPair | undefined {
  const { workLeft } = table.question;
  let under: Path = { money: 0, work: 0, runs: [] };
  let over = mostWork(table);
  // A plan that is made again half-way has lost a rounding error of its work.
  if (over.work < workLeft * (1 - ROUNDING)) return undefined;
  let bound = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    const price = (over.money - under.money) / (over.work - under.work);
    const line = over.money - price * over.work;
    const path = bestPath(table, price, restartFactor);
    const value = path.money - price * path.work;
    bound = Math.max(bound, price < 0 ? leastOf(table) : value + price * workLeft);
    if (!(value < line - ROUNDING * Math.abs(line))) break;
    if (path.work < workLeft) under = path;
    else over = path;
  }
  return { under, over, bound };
}

/**
 * The bound at a price of 0. Below 0, where running earns money, a run that ends amid its restart would be worth more
 * than the boundaries of slots show.
 */
function leastOf(table: SlotTable): number {
  return bestPath(table, 0, 1).money;
}

/** The fastest level throughout, or the current one where changing costs more than it brings. */
function mostWork(table: SlotTable): Path {
  const { question, edge, slotCount, levelCount, work } = table;
  const { now, currentLevel, restartSeconds } = question;
  const end = edge[slotCount] as number;
  let best: Path = { money: 0, work: 0, runs: [] };
  for (let level = 1; level < levelCount; level++) {
    const seconds = end - now - (level === currentLevel ? 0 : restartSeconds);
    const done = (work[level] as number) * seconds;
    if (done <= best.work) continue;
    const money =
      (table.spent[level * (slotCount + 1) + slotCount] as number) + question.timeValuePerSecond * (end - now);
    best = { money, work: done, runs: [{ from: now, to: end, level }] };
  }
  return best;
}

/** Per level: what the best path to it is worth at the price of work, and what it did and spent. */
interface Front {
  readonly value: Float64Array;
  readonly money: Float64Array;
  readonly work: Float64Array;
}

/** The path of least money − price × work. O(slots × levels): a restart costs the same from wherever. */
function bestPath(table: SlotTable, price: number, restartFactor: number): Path {
  const { slotCount, levelCount, question } = table;
  const camefrom = new Uint8Array(slotCount * levelCount);
  let front = aFront(levelCount);
  let next = aFront(levelCount);
  front.value.fill(Number.POSITIVE_INFINITY);
  front.value[question.currentLevel] = 0;
  let least = 0;
  let stop = { slots: 0, level: 0, money: 0, work: 0 };
  for (let slot = 0; slot < slotCount; slot++) {
    step(table, slot, price, restartFactor, front, next, camefrom);
    [front, next] = [next, front];
    const level = lowest(front.value);
    if ((front.value[level] as number) < least) {
      least = front.value[level] as number;
      stop = { slots: slot + 1, level, money: front.money[level] as number, work: front.work[level] as number };
    }
  }
  return { money: stop.money, work: stop.work, runs: runsOf(table, camefrom, stop.slots, stop.level) };
}

function aFront(levelCount: number): Front {
  return {
    value: new Float64Array(levelCount),
    money: new Float64Array(levelCount),
    work: new Float64Array(levelCount),
  };
}

function step(
  { edge, rate, work, levelCount, question }: SlotTable,
  slot: number,
  price: number,
  restartFactor: number,
  front: Front,
  next: Front,
  camefrom: Uint8Array,
): void {
  const seconds = (edge[slot + 1] as number) - (edge[slot] as number);
  const nearest = lowest(front.value);
  for (let level = 0; level < levelCount; level++) {
    const pace = work[level] as number;
    const lost = pace * question.restartSeconds;
    const changed = (front.value[nearest] as number) + price * lost * restartFactor;
    const isChange = changed < (front.value[level] as number);
    const before = isChange ? nearest : level;
    const spent = ((rate[slot * levelCount + level] as number) + question.timeValuePerSecond) * seconds;
    const done = pace * seconds - (isChange ? lost : 0);
    next.value[level] = (isChange ? changed : (front.value[level] as number)) + spent - price * pace * seconds;
    next.money[level] = (front.money[before] as number) + spent;
    next.work[level] = (front.work[before] as number) + done;
    camefrom[slot * levelCount + level] = before;
  }
}

function lowest(values: Float64Array): number {
  let best = 0;
  for (let index = 1; index < values.length; index++) {
    if ((values[index] as number) < (values[best] as number)) best = index;
  }
  return best;
}

function runsOf({ edge, levelCount }: SlotTable, camefrom: Uint8Array, slots: number, last: number): readonly Run[] {
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
    level = camefrom[slot * levelCount + level] as number;
  }
  return runs.reverse();
}
