import { figure } from '../../core/explain/figures.ts';

export const UNKNOWN = '–';

/** A span of time in its two largest units. */
export function elapsed(seconds: number | undefined): string {
  if (!isKnown(seconds)) return UNKNOWN;
  const sign = seconds < 0 ? '−' : '';
  const whole = Math.round(Math.abs(seconds));
  if (whole < 60) return `${sign}${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${sign}${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return `${sign}${hours} h ${padded(minutes % 60)} min`;
  return `${sign}${Math.floor(hours / 24)} d ${padded(hours % 24)} h`;
}

export function quantity(value: number | undefined, unit = ''): string {
  if (!isKnown(value)) return UNKNOWN;
  return unit === '' ? figure(value) : `${figure(value)} ${unit}`;
}

export function isKnown(value: number | undefined): value is number {
  return value !== undefined && Number.isFinite(value);
}

/** The value below which `share` of the sorted values lie; undefined of none. */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}

export function ascending(values: readonly number[]): readonly number[] {
  return values.filter((value) => Number.isFinite(value)).toSorted((a, b) => a - b);
}

/** Of any number of values: spread into `Math.max` a long series would overflow the stack. */
export function greatest(values: readonly number[], atLeast = Number.NEGATIVE_INFINITY): number {
  return values.reduce((most, value) => Math.max(most, value), atLeast);
}

export function least(values: readonly number[], atMost = Number.POSITIVE_INFINITY): number {
  return values.reduce((fewest, value) => Math.min(fewest, value), atMost);
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${figure(count)} ${count === 1 ? one : many}`;
}

function padded(value: number): string {
  return String(value).padStart(2, '0');
}
