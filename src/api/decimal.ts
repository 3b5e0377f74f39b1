/** Digits kept: enough for a rate of a cent in a million, few enough to be read. */
const SIGNIFICANT_DIGITS = 9;
const FRACTION_DIGITS_MAX = 15;

/**
 * Writes a number as the decimal string a status holds: no exponent, at most nine significant digits.
 * Throws for NaN and the infinities, because the unknown is left out and never written as a number.
 */
export function toDecimal(value: number): string {
  if (!Number.isFinite(value)) {
    throw new RangeError(`toDecimal: ${value} has no decimal form; leave the field out when the value is unknown`);
  }
  if (Math.abs(value) >= 1e21) {
    throw new RangeError(`toDecimal: ${value} has more than 21 digits, which no status field holds`);
  }
  const rounded = Number(value.toPrecision(SIGNIFICANT_DIGITS));
  const magnitude = rounded === 0 ? 0 : Math.floor(Math.log10(Math.abs(rounded)));
  const fractionDigits = Math.min(FRACTION_DIGITS_MAX, Math.max(0, SIGNIFICANT_DIGITS - 1 - magnitude));
  const fixed = rounded.toFixed(fractionDigits);
  const trimmed = fixed.includes('.') ? fixed.replace(/\.?0+$/, '') : fixed;
  return trimmed === '-0' ? '0' : trimmed;
}

/** Reads a decimal string of a spec or status. Throws when it is not a number. */
export function fromDecimal(decimal: string): number {
  const value = decimal.trim() === '' ? Number.NaN : Number(decimal);
  if (!Number.isFinite(value)) {
    throw new RangeError(`"${decimal}" is not a decimal number; write digits with an optional point, such as "0.526"`);
  }
  return value;
}
