import type { SignalKind, SignalSlot } from './signal-slot.ts';

/** Ten times the dirtiest power stations there are. */
const CARBON_GRAMS_MAX = 10_000;
/** No market's price of a kilowatt-hour comes near to it, in whatever currency. */
const PRICE_MAX = 100_000;
/** Scarcity prices of energy-only markets are some hundred times their median. */
const TIMES_TYPICAL_MAX = 1000;
/** A grid that never fell below this share of its mean in a week does not reach zero in the next hour. */
const LOWEST_SHARE = 0.1;
/** Less than a week of hours says little of what is typical. */
const TYPICAL_SLOTS_MIN = 168;

/** What of a reading can be, given what was seen before; the rest is as if it had not been said. */
export function plausible(
  reading: readonly SignalSlot[],
  kind: SignalKind,
  history: readonly SignalSlot[],
): readonly SignalSlot[] {
  const { typical, lowest } = history.length < TYPICAL_SLOTS_MIN ? NOTHING_TYPICAL : typicalOf(history);
  return reading.filter(({ value }) => {
    if (kind === 'RenewableShare') return value >= 0 && value <= 1;
    if (kind === 'Price') return Math.abs(value) <= Math.min(PRICE_MAX, typical * TIMES_TYPICAL_MAX);
    if (value === 0 && lowest > LOWEST_SHARE * typical) return false;
    return value >= 0 && value <= CARBON_GRAMS_MAX;
  });
}

const NOTHING_TYPICAL = { typical: Number.POSITIVE_INFINITY, lowest: Number.NEGATIVE_INFINITY };

function typicalOf(history: readonly SignalSlot[]): { readonly typical: number; readonly lowest: number } {
  const sizes = Float64Array.from(history, ({ value }) => Math.abs(value)).sort();
  const typical = sizes[Math.floor(sizes.length / 2)] ?? 0;
  // A market whose price is mostly zero has no typical price.
  return typical === 0 ? NOTHING_TYPICAL : { typical, lowest: sizes[0] ?? 0 };
}
