import { type Forecast, readForecast, type Slot, type SlotQuestion } from './slot-table.ts';
import { planSlots, type SlotPlan } from './slots.ts';

/** A pool whose capacity differs between slots, as others come and go. All pools have the same slots. */
export interface HourlyPool {
  readonly slots: readonly Slot[];
  /** GPUs or nodes, one number per slot. After the last slot the pool is not limited. */
  readonly capacity: readonly number[];
}

/** A job on one of the pools that it may use: levels with what they hold there, and the level in force if it is there. */
export type Offer = Pick<SlotQuestion, 'levels' | 'currentLevel' | 'restartSeconds'> & { readonly pool: number };

export type HourlyJob = Omit<SlotQuestion, 'now' | 'slots' | 'levels' | 'currentLevel' | 'restartSeconds'> & {
  /** Unique; breaks ties. */
  readonly key: string;
  readonly offers: readonly Offer[];
};

export interface HourlyChoice {
  readonly offer: number;
  /** Its cost is that of the job alone, without any price of capacity. */
  readonly plan: SlotPlan;
}

export interface FleetSlotPlan {
  /** For each job as given; undefined where no offer has room in time. */
  readonly choices: readonly (HourlyChoice | undefined)[];
  readonly cost: number;
  /** No plans of these jobs that fit cost less. Meaningful when every job has a choice and none is late. */
  readonly lowerBound: number;
  readonly gap: number;
  /** Currency per unit and second, by pool and slot. */
  readonly prices: readonly Float64Array[];
}

/** Rounds of prices; only jobs that a changed price concerns plan anew. */
const ROUNDS = 6;

/** Share of what a unit costs by which the first price may rise: hours differ by some tenths, and prices sum up. */
const FIRST_STEP = 0.05;

/**
 * Hours for many jobs on pools with limited capacity in each slot. Each plans alone; where that asks for more than
 * there is, the slot gets a price, and those concerned plan anew. What then still does not fit gives way in the order
 * of urgency. The prices prove a bound (Lagrangian duality).
 *
 * A job that holds a unit in a part of a slot counts as holding it throughout: two such jobs may overlap.
 */
export function planFleetSlots(jobs: readonly HourlyJob[], pools: readonly HourlyPool[], now: number): FleetSlotPlan {
  const fleet = new Fleet(jobs, pools, now);
  // 1. Everybody plans alone. Where that fits, nothing is left to decide.
  fleet.answerAll();
  // 2. Price the slots that too many want, until they part or the rounds are over.
  for (let round = 1; round <= ROUNDS && fleet.isExceeded(); round++) fleet.reprice(round);
  // 3. Let those that still don't fit give way.
  return fleet.settle();
}

interface Answer {
  readonly choice: HourlyChoice | undefined;
  /** No plan of the job costs less at the prices at which it was asked. */
  readonly bound: number;
}

class Fleet {
  readonly #jobs: readonly HourlyJob[];
  /** Places of the jobs, by key. */
  readonly #order: readonly number[];
  readonly #now: number;
  readonly #forecasts: readonly Forecast[];
  readonly #capacity: readonly Float64Array[];
  readonly #answers: Answer[];
  #prices: readonly Float64Array[];
  #bound = Number.NEGATIVE_INFINITY;

  constructor(jobs: readonly HourlyJob[], pools: readonly HourlyPool[], now: number) {
    this.#jobs = jobs;
    this.#order = [...jobs.keys()].sort((one, other) => compare(jobs[one]?.key ?? '', jobs[other]?.key ?? ''));
    this.#now = now;
    this.#forecasts = pools.map(({ slots }) => readForecast(slots, now));
    this.#capacity = pools.map((pool, index) => capacityOf(pool, this.#forecasts[index] as Forecast));
    this.#prices = this.#capacity.map(({ length }) => new Float64Array(length));
    this.#answers = jobs.map(() => ({ choice: undefined, bound: 0 }));
  }

  answerAll(): void {
    for (const place of this.#order) this.#answers[place] = this.#ask(place, this.#prices, undefined);
    this.#keepBound();
  }

  isExceeded(): boolean {
    return this.#held().some((held, pool) => held.some((units, slot) => units > (this.#capacity[pool]?.[slot] ?? 0)));
  }

  /** One step of the subgradient: price follows excess, by steps that shrink. */
  reprice(round: number): void {
    const held = this.#held();
    const step = (FIRST_STEP * this.#meanRent()) / Math.sqrt(round);
    const before = this.#prices;
    this.#prices = before.map((prices, pool) =>
      prices.map((price, slot) => {
        const capacity = this.#capacity[pool]?.[slot] ?? 0;
        const excess =
          capacity === Number.POSITIVE_INFINITY ? -1 : ((held[pool]?.[slot] ?? 0) - capacity) / Math.max(1, capacity);
        // A slot that nobody paid for and that suffices stays free.
        return price === 0 && excess <= 0 ? 0 : Math.max(0, price + step * Math.min(1, excess));
      }),
    );
    for (const place of this.#order) {
      if (this.#isConcerned(place, before)) this.#answers[place] = this.#ask(place, this.#prices, undefined);
    }
    this.#keepBound();
  }

  settle(): FleetSlotPlan {
    const free = this.#capacity.map((capacity) => capacity.slice());
    const choices = new Array<HourlyChoice | undefined>(this.#jobs.length).fill(undefined);
    for (const place of this.#byUrgency()) {
      const answer = this.#answers[place]?.choice;
      const choice =
        answer !== undefined && this.#fits(place, answer, free) ? answer : this.#ask(place, this.#prices, free).choice;
      if (choice === undefined || !this.#fits(place, choice, free)) continue;
      this.#hold(place, choice, free, -1);
      choices[place] = choice;
    }
    const cost = choices.reduce((sum, choice) => sum + (choice?.plan.cost ?? 0), 0);
    const lowerBound = choices.includes(undefined) ? this.#bound : Math.min(this.#bound, cost);
    const gap = cost === lowerBound ? 0 : (cost - lowerBound) / Math.max(Math.abs(cost), Math.abs(lowerBound));
    return { choices, cost, lowerBound, gap, prices: this.#prices };
  }

  /** The job's best offer at the prices. Offers that are late come last. */
  #ask(place: number, prices: readonly Float64Array[], free: readonly Float64Array[] | undefined): Answer {
    const job = this.#jobs[place] as HourlyJob;
    let best: { choice: HourlyChoice; paid: number } | undefined;
    let bound = Number.POSITIVE_INFINITY;
    job.offers.forEach((offer, index) => {
      const forecast = this.#forecasts[offer.pool] as Forecast;
      const price = prices[offer.pool] as Float64Array;
      const question = { ...job, ...offer, now: this.#now, slots: [] };
      const room = free?.[offer.pool] ?? price.map(() => Number.POSITIVE_INFINITY);
      const scarcity = { price, free: room, blockedRate: free === undefined ? 0 : blockedRate(question, forecast) };
      const plan = planSlots(question, { ...forecast, scarcity }, 'Quick');
      bound = Math.min(bound, plan.lowerBound);
      const isBetter =
        best === undefined ||
        (plan.isLate === best.choice.plan.isLate ? plan.cost < best.paid : best.choice.plan.isLate);
      if (isBetter) best = { choice: { offer: index, plan }, paid: plan.cost };
    });
    if (best === undefined) return { choice: undefined, bound: 0 };
    return { choice: this.#alone(place, best.choice, free !== undefined), bound };
  }

  /** The choice at the cost of the job alone. */
  #alone(place: number, { offer, plan }: HourlyChoice, wasBlocked: boolean): HourlyChoice {
    const { pool, levels } = this.#offer(place, offer);
    const { edge } = this.#forecasts[pool] as Forecast;
    const prices = this.#prices[pool] as Float64Array;
    let rent = 0;
    for (const { from, to, level } of plan.runs) {
      const holds = levels[level]?.holds ?? 0;
      for (let slot = firstSlot(edge, from); slot < edge.length && (edge[slot] as number) < to; slot++) {
        const end = Math.min(to, edge[slot + 1] ?? Number.POSITIVE_INFINITY);
        rent += holds * (prices[slot] as number) * (end - Math.max(from, edge[slot] as number));
      }
    }
    // Beside others there is no bound for one job.
    const cost = plan.cost - rent;
    return {
      offer,
      plan: { ...plan, cost, lowerBound: wasBlocked ? Number.NEGATIVE_INFINITY : plan.lowerBound - rent },
    };
  }

  #offer(place: number, index: number): Offer {
    return (this.#jobs[place] as HourlyJob).offers[index] as Offer;
  }

  #isConcerned(place: number, before: readonly Float64Array[]): boolean {
    const { choice } = this.#answers[place] as Answer;
    const { offers } = this.#jobs[place] as HourlyJob;
    const isCheaper = offers.some(({ pool }) =>
      before[pool]?.some((price, slot) => price > (this.#prices[pool]?.[slot] ?? 0)),
    );
    if (isCheaper || choice === undefined) return true;
    const { pool } = this.#offer(place, choice.offer);
    return this.#slotsOf(place, choice).some(({ slot }) => before[pool]?.[slot] !== this.#prices[pool]?.[slot]);
  }

  /** The slots that a choice touches and what it holds there. */
  #slotsOf(place: number, { offer, plan }: HourlyChoice): readonly { slot: number; holds: number }[] {
    const { pool, levels } = this.#offer(place, offer);
    const { edge } = this.#forecasts[pool] as Forecast;
    const touched: { slot: number; holds: number }[] = [];
    for (const { from, to, level } of plan.runs) {
      const holds = levels[level]?.holds ?? 0;
      for (let slot = firstSlot(edge, from); slot < edge.length && (edge[slot] as number) < to; slot++) {
        const last = touched.at(-1);
        // Two levels in one slot: the larger one holds.
        if (last?.slot === slot) last.holds = Math.max(last.holds, holds);
        else touched.push({ slot, holds });
      }
    }
    return touched;
  }

  #fits(place: number, choice: HourlyChoice, free: readonly Float64Array[]): boolean {
    const { pool } = this.#offer(place, choice.offer);
    return this.#slotsOf(place, choice).every(({ slot, holds }) => holds <= (free[pool]?.[slot] ?? 0));
  }

  #hold(place: number, choice: HourlyChoice, units: readonly Float64Array[], sign: 1 | -1): void {
    const inPool = units[this.#offer(place, choice.offer).pool] as Float64Array;
    for (const { slot, holds } of this.#slotsOf(place, choice)) inPool[slot] = (inPool[slot] as number) + sign * holds;
  }

  #held(): readonly Float64Array[] {
    const held = this.#capacity.map(({ length }) => new Float64Array(length));
    for (const place of this.#order) {
      const choice = this.#answers[place]?.choice;
      if (choice !== undefined) this.#hold(place, choice, held, 1);
    }
    return held;
  }

  /** Currency per unit and second that the jobs pay on average: the size of a first price. */
  #meanRent(): number {
    let cost = 0;
    let unitSeconds = 0;
    for (const place of this.#order) {
      const choice = this.#answers[place]?.choice;
      if (choice === undefined) continue;
      const { levels } = this.#offer(place, choice.offer);
      cost += Math.abs(choice.plan.cost);
      for (const { from, to, level } of choice.plan.runs) {
        unitSeconds += (levels[level]?.holds ?? 0) * (to - from);
      }
    }
    return unitSeconds === 0 ? 0 : cost / unitSeconds;
  }

  #keepBound(): void {
    const asked = this.#order.reduce((sum, place) => sum + (this.#answers[place]?.bound ?? 0), 0);
    const rent = this.#prices.reduce((sum, prices, pool) => {
      const { edge } = this.#forecasts[pool] as Forecast;
      const paid = prices.map((price, slot) => {
        return price === 0
          ? 0
          : price * (this.#capacity[pool]?.[slot] ?? 0) * ((edge[slot + 1] ?? 0) - (edge[slot] ?? 0));
      });
      return sum + paid.reduce((one, other) => one + other, 0);
    }, 0);
    this.#bound = Math.max(this.#bound, asked - rent);
  }

  /** Those with the least time to spare first. */
  #byUrgency(): readonly number[] {
    const spare = this.#jobs.map((job) => {
      const paces = job.offers.flatMap(({ levels }) => levels.map(({ workPerSecond }) => workPerSecond));
      return (job.deadline ?? Number.POSITIVE_INFINITY) - this.#now - job.workLeft / Math.max(...paces);
    });
    const by = (one: number, other: number) => (one === other ? 0 : one - other);
    return [...this.#order].sort((one, other) => by(spare[one] ?? 0, spare[other] ?? 0));
  }
}

/** Slot that holds an instant. */
function firstSlot(edge: Float64Array, instant: number): number {
  let low = 0;
  let high = edge.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edge[middle] as number) <= instant) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Capacity on the slots of the forecast; where no slot was given, the pool is not limited. */
function capacityOf({ slots, capacity }: HourlyPool, { edge }: Forecast): Float64Array {
  return edge.map((from) => {
    const index = slots.findIndex((slot) => slot.from <= from && from < slot.to);
    const units = index < 0 ? Number.POSITIVE_INFINITY : (capacity[index] ?? Number.NaN);
    if (Number.isNaN(units)) throw new RangeError(`the capacity of slot ${index} is unknown; a number is needed`);
    return Math.max(0, units);
  });
}

/** More than any detour costs, but not so much that sums lose their cents. */
function blockedRate({ levels }: SlotQuestion, { moneyPerKwh }: Forecast): number {
  const dearest = Math.max(...moneyPerKwh.map(Math.abs));
  const rates = levels.map(({ rentPerSecond, kilowatts }) => rentPerSecond + (kilowatts * dearest) / 3600);
  return 1000 * Math.max(...rates) + Number.MIN_VALUE;
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
