import type { InstantSeconds } from '../configuration.ts';

/** A stretch of every week, in local time. */
export interface WeeklyWindow {
  /** On which it begins, 0 is Sunday; none is every day. */
  readonly days: readonly number[];
  /** Minutes since midnight; an end that is not after the start is that of the next day. */
  readonly fromMinute: number;
  readonly toMinute: number;
}

export interface WeeklyHours {
  /** Name of the IANA database. */
  readonly timeZone: string;
  readonly windows: readonly WeeklyWindow[];
}

/** Half-open. */
export interface Stretch {
  readonly from: InstantSeconds;
  readonly to: InstantSeconds;
}

const DAY_SECONDS = 86_400;
const WEEK_DAYS = 7;
/** 1970-01-01 was a Thursday. */
const WEEKDAY_OF_EPOCH = 4;

/**
 * When the windows are open between two instants, in order, those that touch made one. Days are those of the time zone,
 * so that a night when clocks change is an hour longer or shorter. Cost: windows × days.
 *
 * @throws RangeError for a time zone that the runtime does not know, see `isTimeZone`
 */
export function openStretches({ timeZone, windows }: WeeklyHours, from: InstantSeconds, to: InstantSeconds): Stretch[] {
  const firstDay = dayOf(timeZone, from) - 1;
  const lastDay = dayOf(timeZone, to);
  const found: Stretch[] = [];
  for (let day = firstDay; day <= lastDay; day++) {
    const weekday = (((day + WEEKDAY_OF_EPOCH) % WEEK_DAYS) + WEEK_DAYS) % WEEK_DAYS;
    for (const { days, fromMinute, toMinute } of windows) {
      if (days.length > 0 && !days.includes(weekday)) continue;
      const endDay = toMinute > fromMinute ? day : day + 1;
      const opens = Math.max(from, instantOf(timeZone, day * DAY_SECONDS + fromMinute * 60));
      const closes = Math.min(to, instantOf(timeZone, endDay * DAY_SECONDS + toMinute * 60));
      if (closes > opens) found.push({ from: opens, to: closes });
    }
  }
  return joined(found);
}

/** Whether the runtime knows a time zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    formatFor(name);
    return true;
  } catch {
    return false;
  }
}

function joined(stretches: readonly Stretch[]): Stretch[] {
  const all: Stretch[] = [];
  for (const next of [...stretches].sort((one, other) => one.from - other.from)) {
    const last = all.at(-1);
    if (last !== undefined && next.from <= last.to) all[all.length - 1] = { ...last, to: Math.max(last.to, next.to) };
    else all.push(next);
  }
  return all;
}

function dayOf(timeZone: string, instant: InstantSeconds): number {
  return Math.floor((instant + offsetAt(timeZone, instant)) / DAY_SECONDS);
}

/** The instant at which clocks show a local time, given in seconds as if it were UTC; about it where they skip it. */
function instantOf(timeZone: string, local: number): InstantSeconds {
  const first = local - offsetAt(timeZone, local);
  return local - offsetAt(timeZone, first);
}

/** Seconds that local time is ahead of UTC. */
function offsetAt(timeZone: string, instant: InstantSeconds): number {
  const parts: Record<string, number> = {};
  for (const { type, value } of formatFor(timeZone).formatToParts(instant * 1000)) parts[type] = Number(value);
  const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
  return Date.UTC(year, month - 1, day, hour, minute, second) / 1000 - Math.floor(instant);
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  const known = formats.get(timeZone);
  if (known !== undefined) return known;
  const digits = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const clock = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const;
  const format = new Intl.DateTimeFormat('en-US', { timeZone, ...digits, ...clock });
  formats.set(timeZone, format);
  return format;
}

/** Dear to make; as many as there are time zones. */
const formats = new Map<string, Intl.DateTimeFormat>();
