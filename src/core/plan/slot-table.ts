/** A stretch of time with one price and one carbon intensity of electricity. */
export interface Slot {
  /** Half-open, seconds on the clock of `now`. */
  readonly from: number;
  readonly to: number;
  /** Currency; undefined or NaN where no forecast reaches. May be negative. */
  readonly moneyPerKwh: number | undefined;
  readonly kgCo2ePerKwh: number | undefined;
  /** What the rent of the slot is multiplied by, as for spot capacity. */
  readonly rentFactor: number | undefined;
  /** Standard deviation of the forecasts of price and carbon, as a share of them; undefined takes them at their word. */
  readonly relativeError: number | undefined;
}

/** A number of workers that a job may run on. The first level of a job is the pause. */
export interface Level {
  readonly workPerSecond: number;
  /** Currency, at a rent factor of 1. */
  readonly rentPerSecond: number;
  /** At the meter: power × PUE; 0 where the rent includes energy. */
  readonly kilowatts: number;
  /** GPUs or nodes of the pool, where they are scarce. */
  readonly holds?: number;
}

export interface SlotQuestion {
  readonly now: number;
  readonly slots: readonly Slot[];
  readonly levels: readonly Level[];
  /** In the unit of `workPerSecond`. */
  readonly workLeft: number;
  /** Seconds on the clock of `now`; undefined leaves the job until after the last slot. */
  readonly deadline: number | undefined;
  /** Time without work, at the new level's cost, at each start and change of level. */
  readonly restartSeconds: number;
  /** Index of the level in force. */
  readonly currentLevel: number;
  readonly minRunSeconds: number;
  readonly maxPauses: number;
  /** Currency, until the job is done, whether it runs or not. */
  readonly timeValuePerSecond: number;
  /** Currency per kg CO2e. */
  readonly carbonPrice: number;
}

/** The question as arrays: `slotCount` slots without gaps from now to the end, `rate` of level `l` in slot `i` at `i × levels + l`. */
export interface SlotTable {
  readonly question: SlotQuestion;
  readonly slotCount: number;
  readonly levelCount: number;
  /** Boundaries, one more than slots. */
  readonly edge: Float64Array;
  /** Currency per second, carbon at its price included, value of time not. */
  readonly rate: Float64Array;
  /** kg CO2e per second. */
  readonly carbonRate: Float64Array;
  readonly work: Float64Array;
  /** Currency from now to each boundary, of level `l` at `l × (slotCount + 1) + boundary`. */
  readonly spent: Float64Array;
  readonly carbon: Float64Array;
}

/**
 * @param forecast of the question's slots; jobs that share them share it
 * @throws when a number that is no forecast is missing or cannot be
 */
export function tabulateSlots(
  question: SlotQuestion,
  forecast = readForecast(question.slots, question.now),
): SlotTable {
  check(question);
  const edge = edgesUntil(endOf(question, forecast), forecast);
  const slotCount = edge.length - 1;
  const levelCount = question.levels.length;
  const table = {
    question,
    slotCount,
    levelCount,
    edge,
    rate: new Float64Array(slotCount * levelCount),
    carbonRate: new Float64Array(slotCount * levelCount),
    work: Float64Array.from(question.levels, ({ workPerSecond }) => workPerSecond),
    spent: new Float64Array(levelCount * (slotCount + 1)),
    carbon: new Float64Array(levelCount * (slotCount + 1)),
  };
  for (let level = 0; level < levelCount; level++) fillLevel(table, forecast, level);
  return table;
}

function fillLevel(table: SlotTable, forecast: Forecast, which: number): void {
  const { moneyPerKwh, kgCo2ePerKwh, rentFactor, scarcity } = forecast;
  const { question, slotCount, levelCount, edge, rate, carbonRate, spent, carbon } = table;
  const { rentPerSecond = 0, kilowatts = 0, holds = 0 } = question.levels[which] ?? {};
  const { carbonPrice } = question;
  const first = which * (slotCount + 1);
  let money = 0;
  let emitted = 0;
  for (let slot = 0; slot < slotCount; slot++) {
    const seconds = (edge[slot + 1] as number) - (edge[slot] as number);
    const clean = kgCo2ePerKwh[slot] as number;
    const perHour = kilowatts * ((moneyPerKwh[slot] as number) + carbonPrice * clean);
    const perSecond =
      rentPerSecond * (rentFactor[slot] as number) + perHour / 3600 + scarcityRate(scarcity, slot, holds);
    const carbonPerSecond = (kilowatts * clean) / 3600;
    rate[slot * levelCount + which] = perSecond;
    carbonRate[slot * levelCount + which] = carbonPerSecond;
    money += perSecond * seconds;
    emitted += carbonPerSecond * seconds;
    spent[first + slot + 1] = money;
    carbon[first + slot + 1] = emitted;
  }
}

function scarcityRate(scarcity: Scarcity | undefined, slot: number, holds: number): number {
  if (scarcity === undefined || holds === 0) return 0;
  const isBlocked = holds > (scarcity.free[slot] as number);
  return holds * (scarcity.price[slot] as number) + (isBlocked ? scarcity.blockedRate : 0);
}

/** To the deadline, or to where the slowest level would be done after the last slot. */
function endOf({ now, deadline, levels, restartSeconds, workLeft }: SlotQuestion, { edge }: Forecast): number {
  if (deadline !== undefined) return Math.max(now, deadline);
  const slowest = Math.min(...levels.slice(1).map(({ workPerSecond }) => workPerSecond));
  return (edge.at(-1) ?? now) + restartSeconds + workLeft / slowest;
}

function edgesUntil(end: number, { edge }: Forecast): Float64Array {
  const now = edge[0] as number;
  if (end <= now) return edge.slice(0, 1);
  // At the end of all slots begins one more, of the mean; see `readForecast`.
  let inside = 1;
  while (inside < edge.length && (edge[inside] as number) < end) inside++;
  const edges = new Float64Array(inside + 1);
  edges.set(edge.subarray(0, inside));
  edges[inside] = end;
  return edges;
}

/** Index of the slot that holds an instant; the last one at the end. O(log slots). */
export function slotAt({ edge, slotCount }: SlotTable, instant: number): number {
  let low = 0;
  let high = slotCount - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((edge[middle] as number) <= instant) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** What a level costs, or emits, between two instants. */
export function between(table: SlotTable, what: 'spent' | 'carbon', level: number, from: number, to: number): number {
  return until(table, what, level, to) - until(table, what, level, from);
}

function until(table: SlotTable, what: 'spent' | 'carbon', level: number, instant: number): number {
  const slot = slotAt(table, instant);
  const rates = what === 'spent' ? table.rate : table.carbonRate;
  const rate = rates[slot * table.levelCount + level] as number;
  const before = table[what][level * (table.slotCount + 1) + slot] as number;
  return before + rate * (instant - (table.edge[slot] as number));
}

const POSITIVE = ['workLeft', 'restartSeconds', 'minRunSeconds', 'timeValuePerSecond', 'carbonPrice'] as const;

function check(question: SlotQuestion): void {
  for (const field of POSITIVE) {
    const value = question[field];
    if (!(value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`${field} is ${value}; a finite number from 0 is needed`);
    }
  }
  question.levels.forEach(({ workPerSecond, rentPerSecond, kilowatts }, index) => {
    const values = [workPerSecond, rentPerSecond, kilowatts];
    if (!values.every((value) => value >= 0 && value < Number.POSITIVE_INFINITY)) {
      throw new RangeError(`level ${index} has ${values.join(', ')}; finite numbers from 0 are needed`);
    }
    if (workPerSecond > 0 === (index === 0)) {
      throw new RangeError(
        `level ${index} does ${workPerSecond} work a second; the first level pauses, the others work`,
      );
    }
  });
  if (question.levels[question.currentLevel] === undefined) {
    throw new RangeError(`currentLevel is ${question.currentLevel}; there are ${question.levels.length} levels`);
  }
}

type Known<T> = { readonly [Field in keyof T]: number };

/** Slots from now on as arrays, without gaps; the last entry of each array is what counts after the last slot. */
export interface Forecast {
  readonly edge: Float64Array;
  readonly moneyPerKwh: Float64Array;
  readonly kgCo2ePerKwh: Float64Array;
  readonly rentFactor: Float64Array;
  readonly scarcity?: Scarcity;
}

/** What holding a unit of a pool costs beside its rent, because others want it. Per slot, as the other arrays. */
export interface Scarcity {
  /** Currency per second. */
  readonly price: Float64Array;
  /** Units that are left. */
  readonly free: Float64Array;
  /** Currency per second of a level that needs more than is left: more than any way around it. */
  readonly blockedRate: number;
}

/** What a forecast says of the hours from now on: its gaps at the mean, its errors taken into account. */
export function readForecast(slots: readonly Slot[], now: number): Forecast {
  const filled = withoutGaps(slots, now);
  const lastEnd = filled.at(-1)?.to ?? now;
  const read = trusted(neutral([...filled, { ...UNKNOWN, from: lastEnd, to: lastEnd }]));
  return {
    edge: Float64Array.from(read, ({ from }) => from),
    moneyPerKwh: Float64Array.from(read, (slot) => slot.moneyPerKwh),
    kgCo2ePerKwh: Float64Array.from(read, (slot) => slot.kgCo2ePerKwh),
    rentFactor: Float64Array.from(read, (slot) => slot.rentFactor),
  };
}

const UNKNOWN = { moneyPerKwh: undefined, kgCo2ePerKwh: undefined, rentFactor: undefined, relativeError: undefined };

function withoutGaps(slots: readonly Slot[], now: number): readonly Slot[] {
  const filled: Slot[] = [];
  let at = now;
  for (const slot of [...slots].sort((one, other) => one.from - other.from)) {
    const from = Math.max(slot.from, at);
    if (!(slot.to > from)) continue;
    if (from > at) filled.push({ ...UNKNOWN, from: at, to: from });
    filled.push({ ...slot, from });
    at = slot.to;
  }
  return filled;
}

/** What is unknown in a slot is taken as the mean of the others, so that it neither attracts nor repels. */
function neutral(slots: readonly Slot[]): readonly Known<Slot>[] {
  const moneyPerKwh = meanKnown(slots, 'moneyPerKwh') ?? 0;
  const kgCo2ePerKwh = meanKnown(slots, 'kgCo2ePerKwh') ?? 0;
  const rentFactor = meanKnown(slots, 'rentFactor') ?? 1;
  return slots.map((slot) => ({
    from: slot.from,
    to: slot.to,
    moneyPerKwh: known(slot.moneyPerKwh) ?? moneyPerKwh,
    kgCo2ePerKwh: known(slot.kgCo2ePerKwh) ?? kgCo2ePerKwh,
    rentFactor: known(slot.rentFactor) ?? rentFactor,
    relativeError: Math.max(0, known(slot.relativeError) ?? 0),
  }));
}

/**
 * Forecasts drawn towards their mean by as much of their spread as their own error explains (empirical Bayes, James and
 * Stein 1961). Whoever picks the cheapest of noisy hours picks those that only look cheap; a forecast whose hours differ
 * by no more than its error says nothing.
 */
function trusted(slots: readonly Known<Slot>[]): readonly Known<Slot>[] {
  if (slots.every(({ relativeError }) => relativeError === 0)) return slots;
  const money = drawnToMean(slots, 'moneyPerKwh');
  const carbon = drawnToMean(slots, 'kgCo2ePerKwh');
  return slots.map((slot, index) => ({
    ...slot,
    moneyPerKwh: money[index] ?? slot.moneyPerKwh,
    kgCo2ePerKwh: carbon[index] ?? slot.kgCo2ePerKwh,
  }));
}

function drawnToMean(slots: readonly Known<Slot>[], field: 'moneyPerKwh' | 'kgCo2ePerKwh'): readonly number[] {
  const mean = meanKnown(slots, field) ?? 0;
  let seconds = 0;
  let spread = 0;
  for (const slot of slots) {
    const length = slot.to - slot.from;
    seconds += length;
    spread += length * ((slot[field] - mean) ** 2 - (slot.relativeError * slot[field]) ** 2);
  }
  const signal = seconds > 0 ? Math.max(0, spread / seconds) : 0;
  return slots.map((slot) => {
    const noise = (slot.relativeError * slot[field]) ** 2;
    return noise === 0 ? slot[field] : mean + (signal / (signal + noise)) * (slot[field] - mean);
  });
}

function meanKnown(slots: readonly Slot[], field: 'moneyPerKwh' | 'kgCo2ePerKwh' | 'rentFactor'): number | undefined {
  let sum = 0;
  let seconds = 0;
  for (const slot of slots) {
    const value = known(slot[field]);
    if (value === undefined) continue;
    sum += value * (slot.to - slot.from);
    seconds += slot.to - slot.from;
  }
  return seconds > 0 ? sum / seconds : undefined;
}

function known(value: number | undefined): number | undefined {
  return value === undefined || !Number.isFinite(value) ? undefined : value;
}
