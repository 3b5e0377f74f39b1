import type { EnergyProvider } from '../../api/energy-provider.ts';
import type { SignalSlot } from '../../core/forecast/signal-slot.ts';
import { SignalError } from '../../ports/energy-signals.ts';
import { partOf, type ReadProvider } from './reading.ts';

type Tariff = NonNullable<EnergyProvider['tariff']>;
type Period = Tariff['periods'][number];

/** All offsets from UTC that are in use are whole quarters of an hour, and so are the hours of tariffs. */
const STEP_SECONDS = 900;
const AHEAD_SECONDS = 8 * 86_400;
const SECONDS_PER_HOUR = 3600;

/** A table of prices by local time. What an hour that a change of clocks leaves out or repeats costs follows by itself. */
export const readTariff: ReadProvider = async (reading) => {
  const tariff = partOf(reading, 'tariff');
  const wallClock = openWallClock(tariff.timeZone);
  const slots: SignalSlot[] = [];
  const first = Math.floor(reading.since / STEP_SECONDS) * STEP_SECONDS;
  for (let from = first; from < reading.now + AHEAD_SECONDS; from += STEP_SECONDS) {
    const value = priceAt(tariff, wallClock(from));
    const before = slots.at(-1);
    if (before !== undefined && before.value === value && before.to % SECONDS_PER_HOUR !== 0) {
      slots[slots.length - 1] = { ...before, to: from + STEP_SECONDS };
    } else {
      slots.push({ from, to: from + STEP_SECONDS, value });
    }
  }
  return slots;
};

interface WallTime {
  /** As of the tariff's days: "Monday". */
  readonly day: string;
  readonly dayBefore: string;
  readonly month: number;
  readonly monthOfDayBefore: number;
  /** "17:00", which compares as text. */
  readonly time: string;
}

function openWallClock(timeZone: string): (seconds: number) => WallTime {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone,
      hourCycle: 'h23',
      weekday: 'long',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
  } catch {
    const message = `spec.provider.tariff.timeZone ${timeZone} is not known; use a name such as Europe/Berlin`;
    throw new SignalError('Misconfigured', message);
  }
  return (seconds) => {
    const parts = new Map(format.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]));
    const [year, month, day] = ['year', 'month', 'day'].map((part) => Number(parts.get(part as 'year')));
    const before = new Date(Date.UTC(year ?? 0, (month ?? 1) - 1, (day ?? 1) - 1));
    return {
      day: parts.get('weekday') ?? '',
      dayBefore: WEEKDAYS[before.getUTCDay()] ?? '',
      month: month ?? 0,
      monthOfDayBefore: before.getUTCMonth() + 1,
      time: `${parts.get('hour')}:${parts.get('minute')}`,
    };
  };
}

const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

function priceAt({ periods, pricePerKwh }: Tariff, wall: WallTime): number {
  return Number(periods.find((period) => holds(period, wall))?.pricePerKwh ?? pricePerKwh);
}

/** Past midnight a period belongs to the day on which it began. */
function holds({ days, months, from, to }: Period, wall: WallTime): boolean {
  const on = (day: string, month: number) =>
    days.some((each) => each === day) && (months.length === 0 || months.includes(month));
  const overnight = to <= from;
  if (on(wall.day, wall.month) && wall.time >= from && (overnight || wall.time < to)) return true;
  return overnight && on(wall.dayBefore, wall.monthOfDayBefore) && wall.time < to;
}
