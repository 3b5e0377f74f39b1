import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { type Level, planSlots, type Run, type Slot, type SlotQuestion } from '../../src/core/plan/slots.ts';
import { type Highs, highs, minimise, type Row, type Variable } from '../support/solve-exactly.ts';
import type { Bench } from './bench.ts';
import { aRandom, between, normal, type Random } from './random.ts';

const data = process.env['STEPWISE_DATA'] ?? '../shared/data';

const WINDOWS_HOURS = [24, 48, 96];
const STARTS = 12;
/** Windows of a day whose optimum is computed exactly, of each zone and kind. */
const EXACT = 3;
/** Gap above which the solver is asked as well. */
const LOOSE = 0.02;

const SECONDS_PER_SLOT = 3600;
const GPUS = [1, 2, 4, 8, 12, 16, 24, 32];

/** A T4 draws 70 W at most (data sheet), its share of the host about half of that; PUE as in algorithms.md. */
const KILOWATTS_PER_GPU = 0.105 * 1.15;

/** Standard deviation of the logarithm of a forecast a day ahead; it grows with the root of the lead until then. */
const DAY_AHEAD_NOISE = 0.25;

/** What varies: a tariff that the owner of the GPUs pays, or carbon alone. */
type Kind = 'tariff' | 'carbon';

const CELLS = (['tariff', 'carbon'] as const).flatMap((kind) => WINDOWS_HOURS.map((length) => ({ kind, length })));

/** The fastest time to target of ImageNet on each number of T4s, of any batch. */
function levels(): readonly Level[] {
  const file = readFileSync(path.join(data, 'pollux/frontier_t4.csv'), 'utf8');
  const rows = file
    .trim()
    .split('\n')
    .map((line) => line.split(','));
  const seconds = (gpus: number) =>
    Math.min(...rows.filter((row) => row[0] === 'imagenet' && Number(row[1]) === gpus).map((row) => Number(row[4])));
  const pause = { workPerSecond: 0, rentPerSecond: 0, kilowatts: 0 };
  return [
    pause,
    ...GPUS.map((gpus) => ({
      workPerSecond: 1 / seconds(gpus),
      rentPerSecond: 0,
      kilowatts: gpus * KILOWATTS_PER_GPU,
    })),
  ];
}

interface Hour {
  /** NaN where the source has none. */
  readonly moneyPerKwh: number;
  readonly kgCo2ePerKwh: number;
}

function zones(): ReadonlyMap<string, readonly Hour[]> {
  const folder = path.join(data, 'energy');
  const files = readdirSync(folder).filter((name) => name.endsWith('_hourly.csv'));
  return new Map(
    files.sort().map((name) => {
      const lines = readFileSync(path.join(folder, name), 'utf8').trim().split('\n').slice(1);
      const hours = lines.map((line) => {
        const cells = line.split(',');
        const price = cells[6] === '' || cells[6] === undefined ? Number.NaN : Number(cells[6]) / 1000;
        return { moneyPerKwh: price, kgCo2ePerKwh: Number(cells[1]) / 1000 };
      });
      return [name.replace(/_.*/, ''), hours];
    }),
  );
}

/** A stretch of the year without a missing price, begun at random: what counts for each hour, per kWh. */
function aWindow(hours: readonly Hour[], kind: Kind, length: number, random: Random): readonly number[] {
  for (;;) {
    const first = Math.floor(random() * (hours.length - length));
    const window = hours.slice(first, first + length);
    const prices = window.map(({ moneyPerKwh, kgCo2ePerKwh }) => (kind === 'tariff' ? moneyPerKwh : kgCo2ePerKwh));
    if (prices.every(Number.isFinite)) return prices;
  }
}

/** @param errorOf what the forecast says of its own error, hours ahead */
function slotsOf(prices: readonly number[], first = 0, errorOf = (_ahead: number) => 0): readonly Slot[] {
  return prices.map((moneyPerKwh, index) => ({
    from: (first + index) * SECONDS_PER_SLOT,
    to: (first + index + 1) * SECONDS_PER_SLOT,
    moneyPerKwh,
    kgCo2ePerKwh: 0,
    rentFactor: 1,
    relativeError: errorOf(index),
  }));
}

function aQuestion(on: readonly Level[], prices: readonly number[], restartSeconds: number): SlotQuestion {
  return {
    now: 0,
    slots: slotsOf(prices),
    levels: on,
    workLeft: 1,
    deadline: prices.length * SECONDS_PER_SLOT,
    restartSeconds,
    currentLevel: 0,
    minRunSeconds: 10 * restartSeconds,
    maxPauses: Number.POSITIVE_INFINITY,
    timeValuePerSecond: 0,
    carbonPrice: 0,
  };
}

/** What runs between two instants cost at true prices and how much work they do, given the level before. */
function realise(
  { levels: on, restartSeconds }: SlotQuestion,
  prices: readonly number[],
  runs: readonly Run[],
  levelBefore: number,
  from: number,
  to: number,
) {
  let cost = 0;
  let work = 0;
  let starts = 0;
  let level = levelBefore;
  let at = from;
  for (const run of runs) {
    const start = Math.max(run.from, from);
    const end = Math.min(run.to, to);
    if (end <= start) continue;
    const { workPerSecond = 0, kilowatts = 0 } = on[run.level] ?? {};
    const isStart = level !== run.level || start > at + 1e-6;
    if (isStart) starts++;
    work += workPerSecond * (end - start - (isStart ? restartSeconds : 0));
    for (let hour = Math.floor(start / SECONDS_PER_SLOT); hour * SECONDS_PER_SLOT < end; hour++) {
      const inHour = Math.min(end, (hour + 1) * SECONDS_PER_SLOT) - Math.max(start, hour * SECONDS_PER_SLOT);
      cost += (kilowatts * (prices[hour] ?? Number.NaN) * inHour) / 3600;
    }
    level = run.level;
    at = end;
  }
  return { cost, work, starts, level: at >= to - 1e-6 ? level : 0, at };
}

interface Realised {
  readonly cost: number;
  readonly starts: number;
  readonly finish: number;
}

/** Plans anew every hour with what is then forecast, and pays what is then true. */
function rolling(question: SlotQuestion, prices: readonly number[], random: Random): Realised {
  const hours = prices.length;
  // The forecast of an hour comes nearer to the truth step by step: what is learned in an hour is learned for good.
  const perStep = DAY_AHEAD_NOISE / Math.sqrt(24);
  const steps = prices.map((_, hour) => Array.from({ length: Math.min(hour, 24) }, () => perStep * normal(random)));
  const forecast = (hour: number, now: number) => {
    const lead = Math.min(hour - now, steps[hour]?.length ?? 0);
    const off = (steps[hour] ?? []).slice(0, lead).reduce((sum, step) => sum + step, 0);
    return (prices[hour] ?? Number.NaN) * Math.exp(off - (lead * perStep ** 2) / 2);
  };
  let state = { left: question.workLeft, level: question.currentLevel, cost: 0, starts: 0, finish: 0 };
  for (let hour = 0; hour < hours && state.left > 1e-9; hour++) {
    const now = hour * SECONDS_PER_SLOT;
    const known = prices.slice(hour).map((_, ahead) => forecast(hour + ahead, hour));
    const plan = planSlots({
      ...question,
      now,
      slots: slotsOf(known, hour, (ahead) => perStep * Math.sqrt(Math.min(ahead, 24))),
      workLeft: state.left,
      currentLevel: state.level,
    });
    const done = realise(question, prices, plan.runs, state.level, now, Math.min(now + SECONDS_PER_SLOT, plan.finish));
    const { level } = done;
    state = {
      left: state.left - done.work,
      level,
      cost: state.cost + done.cost,
      starts: state.starts + done.starts,
      finish: done.at,
    };
  }
  return {
    cost: state.cost,
    starts: state.starts,
    finish: state.left > 1e-9 ? Number.POSITIVE_INFINITY : state.finish,
  };
}

/** The plan of somebody who thinks that every hour costs the same, at true prices. */
function agnostic(question: SlotQuestion, prices: readonly number[]): Realised {
  const plan = planSlots({ ...question, slots: slotsOf(prices.map(() => 1)) });
  return { ...realise(question, prices, plan.runs, question.currentLevel, 0, plan.finish), finish: plan.finish };
}

/**
 * The clairvoyant optimum: a mixed-integer model over hours and levels. Going on needs a start, which takes the restart;
 * only the first and the last hour of a run may be used in part.
 */
function optimum(solver: Highs, { levels: on, restartSeconds }: SlotQuestion, prices: readonly number[]) {
  const working = on.slice(1);
  const count = working.length;
  const variables: Variable[] = [];
  const rows: Row[] = [];
  const work: [number, number][] = [];
  const variable = (what: 0 | 1 | 2, hour: number, level: number) => (hour * count + level) * 3 + what;
  prices.forEach((price, hour) => {
    working.forEach(({ workPerSecond, kilowatts }, level) => {
      const [isOn, started, used] = [variable(0, hour, level), variable(1, hour, level), variable(2, hour, level)];
      variables.push({ cost: 0, upper: 1, integer: true }, { cost: 0, upper: 1, integer: false });
      variables.push({ cost: kilowatts * price, upper: 1, integer: false });
      rows.push({
        lower: 0,
        upper: Number.POSITIVE_INFINITY,
        terms: [
          [isOn, 1],
          [used, -1],
        ],
      });
      const before: [number, number][] = hour === 0 ? [] : [[variable(0, hour - 1, level), 1]];
      if (hour > 0 && hour + 1 < prices.length) {
        const isAmid: [number, number][] = [hour - 1, hour, hour + 1].map((at) => [variable(0, at, level), -1]);
        rows.push({ lower: -2, upper: Number.POSITIVE_INFINITY, terms: [[used, 1], ...isAmid] });
      }
      rows.push({ lower: 0, upper: Number.POSITIVE_INFINITY, terms: [[started, 1], [isOn, -1], ...before] });
      work.push([used, workPerSecond * SECONDS_PER_SLOT], [started, -workPerSecond * restartSeconds]);
    });
    rows.push({
      lower: 0,
      upper: 1,
      terms: working.map((_, level): [number, number] => [variable(0, hour, level), 1]),
    });
  });
  // The work is done once: more of it at a negative price is not to be had.
  rows.push({ lower: 1, upper: 1, terms: work });
  return minimise(solver, variables, rows, { relativeGap: 1e-4, seconds: 20 });
}

/** One job in one window. */
interface Trial {
  readonly cell: string;
  readonly bound: number;
  readonly isLoose: boolean;
  readonly perfect: number;
  readonly noisy: number;
  readonly ignorant: number;
  readonly starts: number;
  readonly noisyStarts: number;
  readonly isLate: boolean;
  readonly isWrongBound: boolean;
  /** What HiGHS found and proved, where it was asked. */
  readonly exact: { readonly cost: number; readonly bound: number } | undefined;
  readonly planMs: number;
}

function tryOnce(
  question: SlotQuestion,
  prices: readonly number[],
  cell: string,
  random: Random,
  solver: Highs,
  isExact: boolean,
): Trial {
  const startedAt = performance.now();
  const plan = planSlots(question);
  const planMs = performance.now() - startedAt;
  const perfect = realise(question, prices, plan.runs, 0, 0, plan.finish);
  const noisy = rolling(question, prices, random);
  // Where running earns money our own bound is loose, and the solver's is taken.
  const isLoose = plan.gap > LOOSE;
  const exact = isExact || isLoose ? optimum(solver, question, prices) : undefined;
  const deadline = (question.deadline ?? 0) + 1e-3;
  return {
    cell,
    bound: isLoose ? Math.max(plan.lowerBound, exact?.bound ?? Number.NEGATIVE_INFINITY) : plan.lowerBound,
    isLoose,
    perfect: perfect.cost,
    noisy: noisy.cost,
    ignorant: agnostic(question, prices).cost,
    starts: perfect.starts,
    noisyStarts: noisy.starts,
    isLate: plan.isLate || plan.finish > deadline || noisy.finish > deadline || Math.abs(perfect.work - 1) > 1e-6,
    isWrongBound: exact !== undefined && plan.lowerBound > exact.cost + 1e-6 * Math.abs(exact.cost),
    exact,
    planMs,
  };
}

async function run(report: (line: string) => void) {
  const solver = await highs();
  const random = aRandom(5);
  const on = levels();
  const trials: Trial[] = [];
  for (const [zone, hours] of zones()) {
    for (const { kind, length } of CELLS) {
      const cell = `${zone} ${kind} ${length} h`;
      for (let index = 0; index < STARTS; index++) {
        const prices = aWindow(hours, kind, length, random);
        const question = aQuestion(on, prices, between(random, 30, 250));
        const isExact = length === WINDOWS_HOURS[0] && index < EXACT;
        trials.push(tryOnce(question, prices, cell, random, solver, isExact));
      }
      report(describe(cell, trials));
    }
  }
  return figuresOf(trials);
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Excess of a sum over another: single windows whose price is near nothing have no ratio worth the name. */
function excess(trials: readonly Trial[], what: 'perfect' | 'noisy', over: 'bound' | 'ignorant'): number {
  return sum(trials.map((trial) => trial[what])) / sum(trials.map((trial) => trial[over])) - 1;
}

/** The worst single window, its loss as a share of what windows of its kind cost on average. */
function worst(trials: readonly Trial[], what: 'perfect' | 'noisy', over: 'bound' | 'ignorant'): number {
  const mean = sum(trials.map((trial) => trial[over])) / trials.length;
  return Math.max(...trials.map((trial) => (trial[what] - trial[over]) / mean));
}

function describe(cell: string, all: readonly Trial[]): string {
  const trials = all.filter((trial) => trial.cell === cell);
  const percent = (share: number) => `${(100 * share).toFixed(2)} %`;
  return (
    `${cell}: above the bound ${percent(excess(trials, 'perfect', 'bound'))}, ` +
    `with noise ${percent(excess(trials, 'noisy', 'bound'))}; ` +
    `against ignoring ${percent(excess(trials, 'perfect', 'ignorant'))} and ${percent(excess(trials, 'noisy', 'ignorant'))}, ` +
    `worst ${percent(worst(trials, 'noisy', 'ignorant'))}; ` +
    `starts ${(sum(trials.map(({ starts }) => starts)) / trials.length).toFixed(1)} ` +
    `and ${(sum(trials.map(({ noisyStarts }) => noisyStarts)) / trials.length).toFixed(1)}`
  );
}

function figuresOf(trials: readonly Trial[]) {
  const cells = [...new Set(trials.map(({ cell }) => cell))].map((cell) =>
    trials.filter((trial) => trial.cell === cell),
  );
  const over = (what: 'perfect' | 'noisy', than: 'bound' | 'ignorant') => cells.map((cell) => excess(cell, what, than));
  const mean = (values: readonly number[]) => sum(values) / values.length;
  const exact = trials.flatMap(({ exact: found, perfect }) => (found === undefined ? [] : [{ ...found, perfect }]));
  return {
    windows: trials.length,
    perfectExcessMean: mean(over('perfect', 'bound')),
    perfectExcessWorstCell: Math.max(...over('perfect', 'bound')),
    perfectExcessWorstWindow: Math.max(...cells.map((cell) => worst(cell, 'perfect', 'bound'))),
    noisyExcessMean: mean(over('noisy', 'bound')),
    noisyExcessWorstCell: Math.max(...over('noisy', 'bound')),
    noisyExcessWorstWindow: Math.max(...cells.map((cell) => worst(cell, 'noisy', 'bound'))),
    perfectAgainstIgnoringMean: mean(over('perfect', 'ignorant')),
    perfectAgainstIgnoringWorstWindow: Math.max(...cells.map((cell) => worst(cell, 'perfect', 'ignorant'))),
    noisyAgainstIgnoringMean: mean(over('noisy', 'ignorant')),
    noisyAgainstIgnoringWorstCell: Math.max(...over('noisy', 'ignorant')),
    noisyAgainstIgnoringWorstWindow: Math.max(...cells.map((cell) => worst(cell, 'noisy', 'ignorant'))),
    looseBounds: trials.filter(({ isLoose }) => isLoose).length,
    exactWindows: exact.length,
    exactExcess: sum(exact.map(({ perfect }) => perfect)) / sum(exact.map(({ cost }) => cost)) - 1,
    exactExcessWorstWindow: Math.max(...exact.map(({ perfect, cost }) => (perfect - cost) / Math.abs(cost))),
    late: trials.filter(({ isLate }) => isLate).length,
    wrongBounds: trials.filter(({ isWrongBound }) => isWrongBound).length,
    startsPerJob: mean(trials.map(({ starts }) => starts)),
    noisyStartsPerJob: mean(trials.map(({ noisyStarts }) => noisyStarts)),
    planMs: mean(trials.map(({ planMs }) => planMs)),
  };
}

export const b5: Bench = { key: 'b5', title: 'hourly price and carbon: cost against the clairvoyant optimum', run };
