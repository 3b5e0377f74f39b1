import { readdirSync } from 'node:fs';
import path from 'node:path';
import { forecastSignal, whatIsKnown } from '../../src/core/forecast/forecast.ts';
import { foldReading, HISTORY_HOURS, NO_RECORD, type SignalRecord } from '../../src/core/forecast/record.ts';
import { expectedShiftingGain } from '../../src/core/forecast/shifting-gain.ts';
import type { SignalSlot } from '../../src/core/forecast/signal-slot.ts';
import { planSlots, type Run, type Slot, type SlotQuestion } from '../../src/core/plan/slots.ts';
import { readEnergy } from '../../src/simulator/traces/energy.ts';
import type { Bench } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';
import { aRandom, type Random } from './random.ts';

const HOUR = 3600;
const YEAR_START = Date.parse('2023-01-01T00:00:00Z') / 1000;
const HOURS_OF_YEAR = 365 * 24;
const WINDOW_HOURS = 24;
const STARTS = 20;
/** Work of eight hours that has a day for it, on one number of workers. */
const WORK_SECONDS = 8 * HOUR;
const RESTART_SECONDS = 180;
const MAX_PAUSES = 3;
const THRESHOLD = 0.05;
const SOLAR = ['US-CAL-CISO', 'ES'];
const FLAT = ['US-MIDA-PJM', 'US-NY-NYIS'];

interface Zone {
  readonly name: string;
  /** Sums over starts of what was emitted: planned by the forecast, with the future known, and run at once. */
  planned: number;
  perfect: number;
  atOnce: number;
  pauses: number;
  late: number;
}

/** Jobs planned anew every hour by the forecast from the last days, against plans that know the future. */
export const forecastPlans: Bench = {
  key: 'forecastPlans',
  title: 'plans by the forecast from the last days emit little more than those that know the future',
  async run(report) {
    const folder = path.join(DATA_FOLDER, 'energy');
    const files = readdirSync(folder).filter((name) => name.endsWith('_2023_hourly.csv'));
    const random = aRandom(8);
    const zones = files.map((file) => {
      const series = readEnergy(path.join(folder, file));
      const carbon = Array.from(
        { length: HOURS_OF_YEAR },
        (_, hour) => series.at(YEAR_START + hour * HOUR).carbonGramsPerKwh ?? Number.NaN,
      );
      const zone = measure(file.slice(0, file.indexOf('_')), carbon, random);
      const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
      report(
        `${zone.name}: ${percent(zone.planned / zone.perfect - 1)} above perfect, ${percent(zone.planned / zone.atOnce - 1)} against running at once, ${(zone.pauses / STARTS).toFixed(1)} pauses`,
      );
      return zone;
    });
    const abovePerfect = (names: readonly string[]) =>
      Math.max(
        ...zones.filter(({ name }) => names.includes(name)).map(({ planned, perfect }) => planned / perfect - 1),
      );
    const againstAtOnce = (names: readonly string[]) =>
      Math.max(...zones.filter(({ name }) => names.includes(name)).map(({ planned, atOnce }) => planned / atOnce - 1));
    const all = zones.map(({ name }) => name);
    return {
      jobs: zones.length * STARTS,
      abovePerfectSolar: abovePerfect(SOLAR),
      abovePerfectWorst: abovePerfect(all),
      againstAtOnceSolar: againstAtOnce(SOLAR),
      againstAtOnceFlat: againstAtOnce(FLAT),
      againstAtOnceWorst: againstAtOnce(all),
      pausesPerJob: zones.reduce((sum, { pauses }) => sum + pauses, 0) / (zones.length * STARTS),
      late: zones.reduce((sum, { late }) => sum + late, 0),
    };
  },
};

function measure(name: string, carbon: readonly number[], random: Random): Zone {
  const zone: Zone = { name, planned: 0, perfect: 0, atOnce: 0, pauses: 0, late: 0 };
  for (let index = 0; index < STARTS; index++) {
    const origin = HISTORY_HOURS + Math.floor(random() * (HOURS_OF_YEAR - HISTORY_HOURS - WINDOW_HOURS - 1));
    const truth = carbon.slice(origin, origin + WINDOW_HOURS);
    const perfect = planSlots(questionOf(slotsOf(truth, origin), origin, 0, 1, 0));
    zone.perfect += perfect.cost;
    zone.atOnce += emitted(carbon, origin * HOUR, origin * HOUR + WORK_SECONDS + RESTART_SECONDS);
    const run = runRolling(carbon, origin);
    zone.planned += run.grams;
    zone.pauses += run.pauses;
    if (run.left > 1e-6) zone.late++;
  }
  return zone;
}

interface State {
  left: number;
  isRunning: boolean;
  grams: number;
  pauses: number;
}

/** Plans anew each hour by what is then forecast, and emits what is then true. Instants are seconds of the year. */
function runRolling(carbon: readonly number[], origin: number): State {
  const end = origin + WINDOW_HOURS;
  const state: State = { left: 1, isRunning: false, grams: 0, pauses: 0 };
  for (let hour = origin; hour < end && state.left > 1e-9; hour++) {
    const level = state.isRunning ? 1 : 0;
    const question = questionOf(forecastSlots(carbon, hour, end), hour, level, state.left, state.pauses, end);
    carryOutHour(state, planSlots(question).runs, carbon, hour);
  }
  return state;
}

function carryOutHour(state: State, runs: readonly Run[], carbon: readonly number[], hour: number): void {
  const [from, to] = [hour * HOUR, (hour + 1) * HOUR];
  const inHour = runs.filter((run) => run.from < to && run.to > from);
  if (state.isRunning && inHour.length === 0) {
    state.isRunning = false;
    state.pauses++;
  }
  for (const run of inHour) {
    const [start, end] = [Math.max(run.from, from), Math.min(run.to, to)];
    const isStart = !state.isRunning || start > from;
    state.left -= (end - start - (isStart ? RESTART_SECONDS : 0)) / WORK_SECONDS;
    state.grams += emitted(carbon, start, end);
    state.isRunning = end === to;
  }
}

function forecastSlots(carbon: readonly number[], hour: number, end: number): readonly Slot[] {
  const now = YEAR_START + hour * HOUR;
  const record = recordOf(carbon, hour, now);
  const known = whatIsKnown(record, now);
  const gain = expectedShiftingGain(known, 'CarbonIntensity', now) ?? 0;
  const hours = forecastSignal(record, now, known).hours.slice(0, end - hour);
  const mean = hours.reduce((sum, { value }) => sum + value, 0) / hours.length;
  return hours.map(({ value, deviation = 0 }, ahead) =>
    aSlot(hour + ahead, gain < THRESHOLD ? mean : value, gain < THRESHOLD ? 0 : deviation / value),
  );
}

function recordOf(carbon: readonly number[], hour: number, now: number): SignalRecord {
  const slots = carbon.slice(hour - HISTORY_HOURS, hour + 1).map((value, index): SignalSlot => {
    const from = now + (index - HISTORY_HOURS) * HOUR;
    return { from, to: from + HOUR, value };
  });
  return foldReading(NO_RECORD, slots, now);
}

const slotsOf = (values: readonly number[], first: number) =>
  values.map((value, ahead) => aSlot(first + ahead, value, 0));

/** Grams as money: what is made small is what is emitted. */
function aSlot(hour: number, grams: number, relativeError: number): Slot {
  return {
    from: hour * HOUR,
    to: (hour + 1) * HOUR,
    moneyPerKwh: grams,
    kgCo2ePerKwh: 0,
    rentFactor: 1,
    relativeError,
  };
}

function questionOf(
  slots: readonly Slot[],
  hour: number,
  currentLevel: number,
  workLeft: number,
  pauses: number,
  deadlineHour = hour + WINDOW_HOURS,
): SlotQuestion {
  return {
    now: hour * HOUR,
    slots,
    levels: [
      { workPerSecond: 0, rentPerSecond: 0, kilowatts: 0 },
      { workPerSecond: 1 / WORK_SECONDS, rentPerSecond: 0, kilowatts: 1 },
    ],
    workLeft,
    deadline: deadlineHour * HOUR,
    restartSeconds: RESTART_SECONDS,
    currentLevel,
    minRunSeconds: 10 * RESTART_SECONDS,
    maxPauses: MAX_PAUSES - pauses,
    timeValuePerSecond: 0,
    carbonPrice: 0,
  };
}

function emitted(carbon: readonly number[], from: number, to: number): number {
  let grams = 0;
  for (let hour = Math.floor(from / HOUR); hour * HOUR < to; hour++) {
    const seconds = Math.min(to, (hour + 1) * HOUR) - Math.max(from, hour * HOUR);
    grams += ((carbon[hour] ?? Number.NaN) * seconds) / HOUR;
  }
  return grams;
}
