import type { InstantSeconds } from '../configuration.ts';

/** Price per kWh in its currency, grams of CO2e per kWh, or a share between 0 and 1. */
export type SignalKind = 'Price' | 'CarbonIntensity' | 'RenewableShare';

/** The value of a signal in a stretch of time, half-open. */
export interface SignalSlot {
  readonly from: InstantSeconds;
  readonly to: InstantSeconds;
  readonly value: number;
}

/**
 * Ascending and without overlaps, in whatever order they came: of two that overlap the later in the list counts. What
 * is no number, or has no length, is left out. Cost: n log n, and log n times that where they overlap.
 */
export function inOrder(slots: readonly SignalSlot[]): readonly SignalSlot[] {
  const usable = slots.filter(({ from, to, value }) => to > from && [from, to, value].every(Number.isFinite));
  const sorted = [...usable].sort((one, other) => one.from - other.from);
  const overlaps = sorted.some(({ from }, index) => index > 0 && (sorted[index - 1]?.to ?? 0) > from);
  if (!overlaps) return sorted;
  const half = usable.length >> 1;
  return overlay(inOrder(usable.slice(0, half)), inOrder(usable.slice(half)));
}

/** `under`, replaced by `over` wherever that says something; both ascending without overlaps. Cost: n log n. */
export function overlay(under: readonly SignalSlot[], over: readonly SignalSlot[]): readonly SignalSlot[] {
  const all = [...over];
  let first = 0;
  for (const slot of under) {
    let at = slot.from;
    while ((over[first]?.to ?? Number.POSITIVE_INFINITY) <= at) first++;
    for (let index = first; index < over.length; index++) {
      const above = over[index];
      if (above === undefined || above.from >= slot.to) break;
      if (above.from > at) all.push({ ...slot, from: at, to: above.from });
      at = Math.max(at, above.to);
    }
    if (at < slot.to) all.push({ ...slot, from: at });
  }
  return all.sort((one, other) => one.from - other.from);
}

/** The slot that holds at an instant. Cost: logarithmic. */
export function slotAt(slots: readonly SignalSlot[], at: InstantSeconds): SignalSlot | undefined {
  let low = 0;
  let high = slots.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const slot = slots[middle];
    if (slot === undefined) return undefined;
    if (slot.to <= at) low = middle + 1;
    else if (slot.from > at) high = middle - 1;
    else return slot;
  }
  return undefined;
}
