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

/** @throws when a number that is no forecast is missing or cannot be */
export function tabulateSlots(question: SlotQuestion): SlotTable {
  check(question);
  const slots = trusted(neutral(withoutGaps(question)));
  const slotCount = slots.length;
  const levelCount = question.levels.length;
  const table = {
    question,
    slotCount,
    levelCount,
    edge: Float64Array.from([...slots.map(({ from }) => from), slots.at(-1)?.to ?? question.now]),
    rate: new Float64Array(slotCount * levelCount),
    carbonRate: new Float64Array(slotCount * levelCount),
    work: Float64Array.from(question.levels, ({ workPerSecond }) => workPerSecond),
    spent: new Float64Array(levelCount * (slotCount + 1)),
    carbon: new Float64Array(levelCount * (slotCount + 1)),
  };
  slots.forEach((slot, index) => {
    question.levels.forEach((level, which) => {
      const perHour = level.kilowatts * (slot.moneyPerKwh + question.carbonPrice * slot.kgCo2ePerKwh);
      const rate = level.rentPerSecond * slot.rentFactor + perHour / 3600;
      const carbonRate = (level.kilowatts * slot.kgCo2ePerKwh) / 3600;
      const at = which * (slotCount + 1) + index;
      table.rate[index * levelCount + which] = rate;
      table.carbonRate[index * levelCount + which] = carbonRate;
      table.spent[at + 1] = (table.spent[at] as number) + rate * (slot.to - slot.from);
      table.carbon[at + 1] = (table.carbon[at] as number) + carbonRate * (slot.to - slot.from);
    });
  });
  return table;
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

/** From now to the deadline, or to where the slowest level would be done after the last slot; gaps become unknown slots. */
function withoutGaps(question: SlotQuestion): readonly Slot[] {
  const { now, slots, levels, workLeft, restartSeconds } = question;
  const slowest = Math.min(...levels.slice(1).map(({ workPerSecond }) => workPerSecond));
  const lastSlotEnd = Math.max(now, ...slots.map(({ to }) => to));
  const end = question.deadline ?? lastSlotEnd + restartSeconds + workLeft / slowest;
  const unknown = { moneyPerKwh: undefined, kgCo2ePerKwh: undefined, rentFactor: undefined, relativeError: undefined };
  const filled: Slot[] = [];
  let at = now;
  for (const slot of [...slots].sort((one, other) => one.from - other.from)) {
    const from = Math.max(slot.from, at);
    const to = Math.min(slot.to, end);
    if (!(to > from)) continue;
    if (from > at) filled.push({ ...unknown, from: at, to: from });
    filled.push({ ...slot, from, to });
    at = to;
  }
  if (end > at) filled.push({ ...unknown, from: at, to: end });
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
  const signal = Math.max(0, spread / seconds);
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
