import { readdirSync } from 'node:fs';
import path from 'node:path';
import { forecastSignal, whatIsKnown } from '../../src/core/forecast/forecast.ts';
import { foldReading, HISTORY_HOURS, NO_RECORD, type SignalRecord } from '../../src/core/forecast/record.ts';
import { expectedShiftingGain } from '../../src/core/forecast/shifting-gain.ts';
import type { SignalKind, SignalSlot } from '../../src/core/forecast/signal-slot.ts';
import { readEnergy } from '../../src/simulator/traces/energy.ts';
import type { Bench } from './bench.ts';
import { DATA_FOLDER } from './data-folder.ts';

const SECONDS_PER_HOUR = 3600;
const HOURS_OF_YEAR = 365 * 24;
const YEAR_START = Date.parse('2023-01-01T00:00:00Z') / 1000;
/** No divisor of a day, so that every hour of the day is an origin. */
const HOURS_BETWEEN_ORIGINS = 43;
const LEADS = [1, 6, 12, 24, 48, 120];
/** An index, not a market: it has no error to measure. */
const TARIFFS = ['ZA'];
/** Grids whose day is made by the sun. */
const SOLAR = ['US-CAL-CISO', 'ES'];
const HOURS_OF_WORK = 8;
const THRESHOLD = 0.05;

interface Cell {
  readonly name: string;
  readonly errors: Map<number, { ours: number; yesterday: number }>;
  within: number;
  asked: number;
  /** Mean of the expected gains, and what the days that followed gave. */
  expected: number[];
  realised: number[];
  /** Sums over days of the hours chosen by the forecast, and of those that one who knows would have chosen. */
  chosen: number;
  perfect: number;
}

/** The forecast where none is published, over a year of every zone: its error, its intervals and the gain it expects. */
export const forecastBench: Bench = {
  key: 'forecast',
  title: 'forecasts from the last days err less than those of yesterday, and know by how much',
  async run(report) {
    const folder = path.join(DATA_FOLDER, 'energy');
    const files = readdirSync(folder).filter((name) => name.endsWith('_2023_hourly.csv'));
    const cells: Cell[] = [];
    const cpuBefore = process.cpuUsage();
    let forecasts = 0;
    for (const file of files) {
      const zone = file.slice(0, file.indexOf('_'));
      const series = readEnergy(path.join(folder, file));
      const year = Array.from({ length: HOURS_OF_YEAR }, (_, hour) => series.at(YEAR_START + hour * SECONDS_PER_HOUR));
      const signals: readonly [SignalKind, readonly number[]][] = [
        ['CarbonIntensity', year.map(({ carbonGramsPerKwh }) => carbonGramsPerKwh ?? Number.NaN)],
        ['Price', year.map(({ pricePerMwh }) => (pricePerMwh ?? Number.NaN) / 1000)],
      ];
      for (const [kind, values] of signals) {
        if (kind === 'Price' && TARIFFS.includes(zone)) continue;
        const cell = measure(`${zone} ${kind}`, kind, values);
        forecasts += cell.expected.length;
        cells.push(cell);
        report(describe(cell));
      }
    }
    const ratio = (lead: number) => mean(cells.map(({ errors }) => ratioOf(errors.get(lead))));
    const coverage = cells.map(({ within, asked }) => within / asked);
    const carbonCells = cells.filter(({ name }) => name.endsWith('CarbonIntensity'));
    const flat = cells.filter(({ realised }) => mean(realised) < THRESHOLD);
    return {
      cells: cells.length,
      errorAgainstYesterday1h: ratio(1),
      errorAgainstYesterday24h: ratio(24),
      errorAgainstYesterday48h: ratio(48),
      worstErrorAgainstYesterday: Math.max(...cells.flatMap(({ errors }) => [...errors.values()].map(ratioOf))),
      coverageMean: mean(coverage),
      coverageLowest: Math.min(...coverage),
      gainErrorMean: mean(cells.map(({ expected, realised }) => Math.abs(mean(expected) - mean(realised)))),
      carbonAbovePerfectMean: mean(carbonCells.map(abovePerfect)),
      carbonAbovePerfectSolar: Math.max(
        ...carbonCells.filter(({ name }) => SOLAR.includes(zoneOf(name))).map(abovePerfect),
      ),
      flatCells: flat.length,
      flatCellsShiftedShare: mean(flat.map(({ expected }) => shareAbove(expected))),
      millisecondsPerForecast: process.cpuUsage(cpuBefore).user / 1000 / forecasts,
    };
  },
};

function measure(name: string, kind: SignalKind, values: readonly number[]): Cell {
  const errors = new Map(LEADS.map((lead) => [lead, { ours: 0, yesterday: 0 }]));
  const cell: Cell = { name, errors, within: 0, asked: 0, expected: [], realised: [], chosen: 0, perfect: 0 };
  for (let origin = HISTORY_HOURS; origin + 121 < values.length; origin += HOURS_BETWEEN_ORIGINS) {
    const now = YEAR_START + origin * SECONDS_PER_HOUR;
    const record = recordOf(values, origin, now);
    compare(cell, values, origin, record, now);
    const gain = expectedShiftingGain(whatIsKnown(record, now), kind, now);
    if (gain !== undefined) cell.expected.push(gain);
    cell.realised.push(nextDayGain(cell, values, origin, record, now));
  }
  return cell;
}

function recordOf(values: readonly number[], origin: number, now: number): SignalRecord {
  const slots = values.slice(origin - HISTORY_HOURS, origin + 1).flatMap((value, index): SignalSlot[] => {
    const from = now + (index - HISTORY_HOURS) * SECONDS_PER_HOUR;
    return Number.isNaN(value) ? [] : [{ from, to: from + SECONDS_PER_HOUR, value }];
  });
  return foldReading(NO_RECORD, slots, now);
}

function compare(cell: Cell, values: readonly number[], origin: number, record: SignalRecord, now: number): void {
  const { hours } = forecastSignal(record, now);
  for (const lead of LEADS) {
    const came = values[origin + lead] ?? Number.NaN;
    const yesterday = values[origin + lead - 24 * Math.ceil(lead / 24)] ?? Number.NaN;
    const forecast = hours[lead];
    if (forecast === undefined || Number.isNaN(came + yesterday)) continue;
    const sums = cell.errors.get(lead);
    if (sums !== undefined) {
      sums.ours += Math.abs(forecast.value - came);
      sums.yesterday += Math.abs(yesterday - came);
    }
    if (forecast.low === undefined || forecast.high === undefined) continue;
    cell.asked++;
    if (came >= forecast.low && came <= forecast.high) cell.within++;
  }
}

/** Of the eight of the next 24 hours that the forecast says are best, against all of them. */
function nextDayGain(cell: Cell, values: readonly number[], origin: number, record: SignalRecord, now: number): number {
  const { hours } = forecastSignal(record, now);
  const day = values.slice(origin + 1, origin + 25);
  const chosen = hours
    .slice(1, 25)
    .map(({ value }, hour) => ({ value, hour }))
    .sort((one, other) => one.value - other.value)
    .slice(0, HOURS_OF_WORK);
  const got = mean(chosen.map(({ hour }) => day[hour] ?? Number.NaN));
  const best = [...day].sort((one, other) => one - other).slice(0, HOURS_OF_WORK);
  if (!Number.isNaN(got + mean(day))) {
    cell.chosen += got;
    cell.perfect += mean(best);
  }
  return (mean(day) - got) / mean(day.map(Math.abs));
}

function describe({ name, errors, within, asked, expected, realised, chosen, perfect }: Cell): string {
  const ratios = LEADS.map((lead) => `${lead} h ${ratioOf(errors.get(lead)).toFixed(2)}`).join(', ');
  const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
  return `${name}: error against yesterday ${ratios}; ${percent(within / asked)} within; gain expected ${percent(mean(expected))}, came ${percent(mean(realised))}, ${percent(chosen / perfect - 1)} above perfect`;
}

const zoneOf = (name: string) => name.slice(0, name.indexOf(' '));
const abovePerfect = ({ chosen, perfect }: Cell) => chosen / perfect - 1;
const ratioOf = (sums: { ours: number; yesterday: number } | undefined) =>
  sums === undefined ? Number.NaN : sums.ours / sums.yesterday;
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const shareAbove = (gains: readonly number[]) => gains.filter((gain) => gain >= THRESHOLD).length / gains.length;
