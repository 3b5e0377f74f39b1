import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import { SignalError } from '../../ports/energy-signals.ts';
import { instantOf, inUnit, orEmpty, type Point, slotsFrom } from './points.ts';
import { partOf, type Reading, type ReadProvider } from './reading.ts';

const SECONDS_PER_DAY = 86_400;
const SECONDS_PER_HOUR = 3600;

/** A file with a line for each slot, replayed so that the hour of the day is kept. */
export const readReplayedCsv: ReadProvider = async (reading) => {
  const { configMap, replay, publishedHours } = partOf(reading, 'csv');
  const text =
    configMap === undefined ? await reading.serviceAt().text({ path: '' }) : await reading.configMapText(configMap);
  const trace = slotsFrom(pointsOf(text, reading), SECONDS_PER_HOUR);
  const until = reading.now + publishedHours * SECONDS_PER_HOUR;
  const slots = replay === 'Once' ? trace : repeat(trace, reading.since, until);
  return orEmpty(
    slots.filter(({ from, to }) => to > reading.since && from <= until),
    'the file',
  );
};

function pointsOf(text: string, reading: Reading): Point[] {
  const { column, timeColumn, unit } = partOf(reading, 'csv');
  const [header = '', ...lines] = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  const names = header.split(',').map((name) => name.trim());
  const [timeIndex, valueIndex] = [names.indexOf(timeColumn), names.indexOf(column)];
  for (const [index, name] of [
    [timeIndex, timeColumn],
    [valueIndex, column],
  ] as const) {
    if (index < 0) throw new SignalError('Misconfigured', `the file has no column ${name}; it has ${names.join(', ')}`);
  }
  return lines.flatMap((line) => {
    const cells = line.split(',');
    const value = (cells[valueIndex] ?? '').trim();
    // Empty is missing, not zero.
    if (value === '') return [];
    if (!Number.isFinite(Number(value))) throw new SignalError('Garbled', `"${value.slice(0, 20)}" is no number`);
    return [{ from: instantOf((cells[timeIndex] ?? '').trim()), value: inUnit(Number(value), unit) }];
  });
}

/** Copies of the trace, whole days apart, that cover the time asked for. */
function repeat(trace: readonly SignalSlot[], since: number, until: number): readonly SignalSlot[] {
  const first = trace[0];
  const last = trace.at(-1);
  if (first === undefined || last === undefined) return [];
  const days = Math.max(1, Math.round((last.to - first.from) / SECONDS_PER_DAY));
  const period = days * SECONDS_PER_DAY;
  const copies: SignalSlot[] = [];
  for (let turn = Math.floor((since - first.from) / period); first.from + turn * period <= until; turn++) {
    const shift = turn * period;
    for (const { from, to, value } of trace) {
      if (to + shift > since && from + shift <= until) copies.push({ from: from + shift, to: to + shift, value });
    }
  }
  return copies;
}
