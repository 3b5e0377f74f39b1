import { toDecimal } from '../api/decimal.ts';

/** As many digits as a field of the status holds; a training that diverges reports more. */
const LARGEST_DECIMAL = 1e21;

/** The number as the status writes it; undefined for one that it cannot hold, which counts as unknown. */
export function decimalIfKnown(value: number | undefined): string | undefined {
  if (value === undefined || !Number.isFinite(value) || Math.abs(value) >= LARGEST_DECIMAL) return undefined;
  return toDecimal(value);
}

/** Only the fields that are known. */
export function present<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const known = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(known) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
