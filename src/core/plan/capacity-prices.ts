import type { CouplingTable } from './coupling-table.ts';

/** What the jobs would choose at given prices of the resources, and the bound that follows from it. */
export interface Answer {
  /** Option per row of the table. */
  readonly options: Int32Array;
  /** Use of each resource less its limit: the slope of the bound in the prices. */
  readonly excess: Float64Array;
  /** No choice that fits costs less: Σ min(cost + price × use) − Σ price × limit (Lagrangian duality). */
  readonly bound: number;
}

/**
 * Each job's cheapest option at the given prices. Of equal ones the first is taken. O(uses).
 *
 * @param stride looks at every so-many-th row alone, and at that share of the limits
 */
export function respond(table: CouplingTable, prices: Float64Array, stride = 1): Answer {
  const { jobCount, useStart, useResource, useAmount, limit } = table;
  const options = new Int32Array(Math.ceil(jobCount / stride));
  const excess = limit.map((value) => -value / stride);
  let bound = 0;
  for (let row = 0; row < jobCount; row += stride) {
    const option = cheapestOf(table, prices, row);
    options[row / stride] = option;
    if (option < 0) continue;
    bound += table.cost[option] as number;
    const lastUse = useStart[option + 1] as number;
    for (let use = useStart[option] as number; use < lastUse; use++) {
      const resource = useResource[use] as number;
      excess[resource] = (excess[resource] as number) + (useAmount[use] as number);
    }
  }
  for (let resource = 0; resource < limit.length; resource++) {
    const price = prices[resource] as number;
    if (price > 0) bound += price * (excess[resource] as number);
  }
  return { options, excess, bound };
}

function cheapestOf(
  { start, cost, useStart, useResource, useAmount }: CouplingTable,
  prices: Float64Array,
  row: number,
) {
  const end = start[row + 1] as number;
  let best = Number.POSITIVE_INFINITY;
  let chosen = -1;
  for (let option = start[row] as number; option < end; option++) {
    let value = cost[option] as number;
    const lastUse = useStart[option + 1] as number;
    for (let use = useStart[option] as number; use < lastUse; use++) {
      value += (prices[useResource[use] as number] as number) * (useAmount[use] as number);
    }
    if (value < best) {
      best = value;
      chosen = option;
    }
  }
  return chosen;
}

export interface CapacityPrices {
  /** Currency per unit of each resource, for as long as the options' costs reach. */
  readonly prices: Float64Array;
  readonly answer: Answer;
}

/** Rows above which a sample of them says where the prices are, and how many make one. */
const SAMPLED_ROWS = 400;

/** Share of the bound that a step must promise for the search to go on. */
const LEAST_GAIN = 1e-5;

/** Steps at most, at first and for every resource. They halve the error along each axis several times over. */
const STEPS = 40;
const STEPS_PER_AXIS = 25;

/**
 * Raises the bound over the prices of the resources. A sample of many rows shows where to begin.
 *
 * @param atNothing the answer at prices of 0
 */
export function findPrices(table: CouplingTable, atNothing: Answer): CapacityPrices {
  const scale = priceScale(table);
  const axes = [...table.limit.keys()].filter((index) => Number.isFinite(table.limit[index]) && scale[index] !== 0);
  const stride = Math.floor(table.jobCount / SAMPLED_ROWS);
  let start: CapacityPrices = { prices: new Float64Array(table.limit.length), answer: atNothing };
  if (stride < 2) return climb({ table, axes, scale, stride: 1 }, start, 0.5);
  const { prices } = climb(
    { table, axes, scale, stride },
    { prices: start.prices, answer: respond(table, start.prices, stride) },
    0.5,
  );
  start = { prices, answer: respond(table, prices) };
  // The sample's prices are off by about one over the square root of its size.
  return climb({ table, axes, scale, stride: 1 }, start, 1 / Math.sqrt(SAMPLED_ROWS));
}

/** What is climbed: the bound over the prices of some of the resources, each in units of its scale. */
interface Slope {
  readonly table: CouplingTable;
  /** The resources that have a price. */
  readonly axes: readonly number[];
  readonly scale: Float64Array;
  readonly stride: number;
}

/**
 * Shor's r-algorithm: subgradient steps in a space that is shrunk along the difference of successive slopes. A few
 * times the number of resources in steps come close, where plain price updates swing. Shor, Minimization Methods for
 * Non-Differentiable Functions, 1985, section 3.
 */
function climb(slope: Slope, from: CapacityPrices, firstStep: number): CapacityPrices {
  const { table, axes, scale, stride } = slope;
  const space = new ShrinkingSpace(axes.length);
  const point = Float64Array.from(axes, (resource) => (from.prices[resource] as number) / (scale[resource] as number));
  let best = from;
  let uphill = slopeAt(slope, point, from.answer.excess);
  let stepLength = firstStep;
  for (let stepsLeft = STEPS + STEPS_PER_AXIS * axes.length; stepsLeft > 0; ) {
    const direction = space.directionOf(uphill);
    if (direction === undefined || stepLength * dot(uphill, direction) < LEAST_GAIN * Math.abs(best.answer.bound))
      break;
    const before = uphill;
    let length = 0;
    do {
      // The longer a direction leads up, the longer its steps.
      length = length === 0 ? stepLength : length * 1.5;
      move(point, direction, length);
      const prices = pricesAt(slope, point);
      const answer = respond(table, prices, stride);
      uphill = slopeAt(slope, point, answer.excess);
      if (answer.bound > best.answer.bound) best = { prices, answer };
      stepsLeft--;
    } while (dot(uphill, direction) > 0 && stepsLeft > 0);
    stepLength = length === stepLength ? stepLength * 0.8 : length;
    space.shrinkAlong(uphill, before);
  }
  return best;
}

function move(point: Float64Array, direction: Float64Array, length: number): void {
  for (let axis = 0; axis < point.length; axis++) {
    point[axis] = (point[axis] as number) + length * (direction[axis] as number);
  }
}

/** What a unit of each resource saves, roughly: the range of costs of the jobs that may use it over the range of use. */
function priceScale(table: CouplingTable): Float64Array {
  const saved = new Float64Array(table.limit.length);
  const used = new Float64Array(table.limit.length);
  const most = new Float64Array(table.limit.length);
  for (let row = 0; row < table.jobCount; row++) {
    const range = costRange(table, row);
    mostUsed(table, row, most);
    for (let resource = 0; resource < most.length; resource++) {
      if (most[resource] === 0) continue;
      saved[resource] = (saved[resource] as number) + range;
      used[resource] = (used[resource] as number) + (most[resource] as number);
    }
  }
  return saved.map((value, resource) => (used[resource] === 0 ? 0 : value / (used[resource] as number)));
}

function costRange({ start, cost }: CouplingTable, row: number): number {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let option = start[row] as number; option < (start[row + 1] as number); option++) {
    low = Math.min(low, cost[option] as number);
    high = Math.max(high, cost[option] as number);
  }
  return high - low;
}

function mostUsed({ start, useStart, useResource, useAmount }: CouplingTable, row: number, most: Float64Array): void {
  most.fill(0);
  const end = useStart[start[row + 1] as number] as number;
  for (let use = useStart[start[row] as number] as number; use < end; use++) {
    const resource = useResource[use] as number;
    most[resource] = Math.max(most[resource] as number, useAmount[use] as number);
  }
}

function pricesAt({ axes, scale, table }: Slope, point: Float64Array): Float64Array {
  const prices = new Float64Array(table.limit.length);
  axes.forEach((resource, axis) => {
    prices[resource] = Math.max(0, point[axis] as number) * (scale[resource] as number);
  });
  return prices;
}

/** Slope of the bound per unit of scaled price. Below a price of 0 it leads back up: nobody is paid for using more. */
function slopeAt({ axes, scale }: Slope, point: Float64Array, excess: Float64Array): Float64Array {
  return Float64Array.from(axes, (resource, axis) => {
    const along = (excess[resource] as number) * (scale[resource] as number);
    return (point[axis] as number) < 0 ? Math.abs(along) + Number.MIN_VALUE : along;
  });
}

/** The linear change of variables of the r-algorithm. */
class ShrinkingSpace {
  readonly #size: number;
  readonly #basis: Float64Array;

  constructor(size: number) {
    this.#size = size;
    this.#basis = new Float64Array(size * size);
    for (let axis = 0; axis < size; axis++) this.#basis[axis * size + axis] = 1;
  }

  /** The way up in this space, of length 1 in it; undefined where there is none. */
  directionOf(slope: Float64Array): Float64Array | undefined {
    const inside = this.#transposed(slope);
    const length = Math.sqrt(dot(inside, inside));
    if (!(length > 0)) return undefined;
    return this.#applied(inside.map((value) => value / length));
  }

  /** Halves the extent of the space along the change of the slope. */
  shrinkAlong(slope: Float64Array, before: Float64Array): void {
    const change = this.#transposed(slope.map((value, axis) => value - (before[axis] as number)));
    const length = Math.sqrt(dot(change, change));
    if (!(length > 0)) return;
    const unit = change.map((value) => value / length);
    const along = this.#applied(unit);
    for (let row = 0; row < this.#size; row++) {
      for (let column = 0; column < this.#size; column++) {
        const index = row * this.#size + column;
        this.#basis[index] = (this.#basis[index] as number) - 0.5 * (along[row] as number) * (unit[column] as number);
      }
    }
  }

  #transposed(vector: Float64Array): Float64Array {
    return new Float64Array(this.#size).map((_, column) => {
      let sum = 0;
      for (let row = 0; row < this.#size; row++) {
        sum += (this.#basis[row * this.#size + column] as number) * (vector[row] as number);
      }
      return sum;
    });
  }

  #applied(vector: Float64Array): Float64Array {
    return new Float64Array(this.#size).map((_, row) => {
      let sum = 0;
      for (let column = 0; column < this.#size; column++) {
        sum += (this.#basis[row * this.#size + column] as number) * (vector[column] as number);
      }
      return sum;
    });
  }
}

function dot(one: Float64Array, other: Float64Array): number {
  let sum = 0;
  for (let axis = 0; axis < one.length; axis++) sum += (one[axis] as number) * (other[axis] as number);
  return sum;
}
