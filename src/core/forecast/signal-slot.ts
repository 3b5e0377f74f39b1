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
 * is no number, or has no length, is left out.
 */
export function inOrder(slots: readonly SignalSlot[]): readonly SignalSlot[] {
  const usable = slots.filter(({ from, to, value }) => to > from && [from, to, value].every(Number.isFinite));
  const isOrdered = usable.every((slot, index) => index === 0 || (usable[index - 1]?.to ?? 0) <= slot.from);
  if (isOrdered) return usable;
  const sorted = usable.map((slot, rank) => ({ slot, rank })).sort((one, other) => one.slot.from - other.slot.from);
  const kept: { slot: SignalSlot; rank: number }[] = [];
  for (const next of sorted) pushOver(kept, next);
  return kept.map(({ slot }) => slot);
}

interface Ranked {
  readonly slot: SignalSlot;
  readonly rank: number;
}

/** `next` begins no sooner than what is kept; whichever came later in the list keeps the time that both claim. */
function pushOver(kept: Ranked[], next: Ranked): void {
  const before = kept.at(-1);
  if (before === undefined || before.slot.to <= next.slot.from) {
    kept.push(next);
    return;
  }
  if (next.rank < before.rank) {
    if (next.slot.to > before.slot.to) kept.push({ ...next, slot: { ...next.slot, from: before.slot.to } });
    return;
  }
  kept.pop();
  if (before.slot.from < next.slot.from) {
    kept.push({ ...before, slot: { ...before.slot, to: next.slot.from } });
  }
  kept.push(next);
  if (before.slot.to > next.slot.to) kept.push({ ...before, slot: { ...before.slot, from: next.slot.to } });
}

/** `under`, replaced by `over` wherever that says something; both ascending without overlaps. */
export function overlay(under: readonly SignalSlot[], over: readonly SignalSlot[]): readonly SignalSlot[] {
  return over.length === 0 ? under : inOrder([...under, ...over]);
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
