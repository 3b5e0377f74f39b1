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

/** Each job's cheapest option at the given prices. Of equal ones the first is taken. O(uses). */
export function respond(table: CouplingTable, prices: Float64Array): Answer {
  const { jobCount, start, cost, useStart, useResource, useAmount, limit } = table;
  const options = new Int32Array(jobCount);
  const excess = limit.map((value) => -value);
  let bound = 0;
  for (let row = 0; row < jobCount; row++) {
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
    options[row] = chosen;
    if (chosen < 0) continue;
    bound += best;
    const lastUse = useStart[chosen + 1] as number;
    for (let use = useStart[chosen] as number; use < lastUse; use++) {
      const resource = useResource[use] as number;
      excess[resource] = (excess[resource] as number) + (useAmount[use] as number);
    }
  }
  for (let resource = 0; resource < limit.length; resource++) {
    const price = prices[resource] as number;
    if (price > 0) bound -= price * (limit[resource] as number);
  }
  return { options, excess, bound };
}

export interface CapacityPrices {
  /** Currency per unit of each resource, for as long as the options' costs reach. */
  readonly prices: Float64Array;
  readonly answer: Answer;
}

/**
 * Raises the bound over the prices of the resources by Shor's r-algorithm: subgradient steps in a space that is
 * shrunk along the difference of successive slopes. A few times the number of resources in steps come close, where
 * plain price updates swing. Shor, Minimization Methods for Non-Differentiable Functions, 1985, section 3.
 *
 * @param atNothing the answer at prices of 0
 * @param steps how often every option is looked at, at most
 */
export function findPrices(table: CouplingTable, atNothing: Answer, steps: number): CapacityPrices {
  const scale = priceScale(table);
  const limited = [...table.limit.keys()].filter((index) => Number.isFinite(table.limit[index]) && scale[index] !== 0);
  const space = new ShrinkingSpace(limited.length);
  const point = new Float64Array(limited.length);
  let best: CapacityPrices = { prices: new Float64Array(table.limit.length), answer: atNothing };
  let slope = slopeAt(limited, scale, point, atNothing.excess);
  let stepLength = 0.5;
  for (let step = 0; step < steps; ) {
    const direction = space.directionOf(slope);
    if (direction === undefined) break;
    const before = slope;
    let stepsInDirection = 0;
    do {
      for (let axis = 0; axis < point.length; axis++) {
        point[axis] = (point[axis] as number) + stepLength * (direction[axis] as number);
      }
      const prices = pricesAt(limited, scale, point, table.limit.length);
      const answer = respond(table, prices);
      slope = slopeAt(limited, scale, point, answer.excess);
      if (answer.bound > best.answer.bound) best = { prices, answer };
      step++;
      stepsInDirection++;
      if (stepsInDirection > 1) stepLength *= 1.5;
    } while (dot(slope, direction) > 0 && step < steps);
    if (stepsInDirection === 1) stepLength *= 0.8;
    if (stepLength < 1e-7) break;
    space.shrinkAlong(slope, before);
  }
  return best;
}

/** What a unit of each resource saves, roughly: the range of costs of the jobs that may use it over the range of use. */
function priceScale(table: CouplingTable): Float64Array {
  const { jobCount, start, cost, useStart, useResource, useAmount, limit } = table;
  const saved = new Float64Array(limit.length);
  const used = new Float64Array(limit.length);
  const most = new Float64Array(limit.length);
  for (let row = 0; row < jobCount; row++) {
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    most.fill(0);
    const end = start[row + 1] as number;
    for (let option = start[row] as number; option < end; option++) {
      const value = cost[option] as number;
      low = Math.min(low, value);
      high = Math.max(high, value);
      const lastUse = useStart[option + 1] as number;
      for (let use = useStart[option] as number; use < lastUse; use++) {
        const resource = useResource[use] as number;
        most[resource] = Math.max(most[resource] as number, useAmount[use] as number);
      }
    }
    for (let resource = 0; resource < limit.length; resource++) {
      if (most[resource] === 0) continue;
      saved[resource] = (saved[resource] as number) + (high - low);
      used[resource] = (used[resource] as number) + (most[resource] as number);
    }
  }
  return saved.map((value, resource) => (used[resource] === 0 ? 0 : value / (used[resource] as number)));
}

function pricesAt(limited: readonly number[], scale: Float64Array, point: Float64Array, count: number): Float64Array {
  const prices = new Float64Array(count);
  limited.forEach((resource, axis) => {
    prices[resource] = Math.max(0, point[axis] as number) * (scale[resource] as number);
  });
  return prices;
}

/** Slope of the bound per unit of scaled price. Below a price of 0 it leads back up: no resource is paid for its use. */
function slopeAt(limited: readonly number[], scale: Float64Array, point: Float64Array, excess: Float64Array) {
  return Float64Array.from(limited, (resource, axis) => {
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
