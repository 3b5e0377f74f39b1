import type { AllocationSpan } from '../result.ts';
import { isKnown } from './quantities.ts';

export interface DrawnSpan {
  readonly from: number;
  readonly to: number;
  readonly state: AllocationSpan['state'];
  readonly gpus: number;
}

/** Beyond this many pieces a row could not be read anyway, and 160 rows would make a page that no browser likes. */
const PIECES_PER_ROW = 200;

/**
 * What a row of the Gantt draws: spans that look alike are one, and of a row in too many pieces each slot of time shows
 * what held for the longest part of it.
 */
export function drawnSpans(allocation: readonly AllocationSpan[]): readonly DrawnSpan[] {
  const known = allocation.filter(({ from, to }) => isKnown(from) && isKnown(to) && to > from);
  const joined = joinAlike(known);
  const first = joined[0];
  const last = joined.at(-1);
  if (joined.length <= PIECES_PER_ROW || first === undefined || last === undefined) return joined;
  const slot = (last.to - first.from) / PIECES_PER_ROW;
  return joinAlike(longestPerSlot(joined, first.from, slot));
}

function joinAlike(spans: readonly DrawnSpan[]): readonly DrawnSpan[] {
  const joined: DrawnSpan[] = [];
  for (const { from, to, state, gpus } of spans) {
    const last = joined.at(-1);
    if (last !== undefined && last.state === state && last.gpus === gpus && last.to === from) {
      joined[joined.length - 1] = { ...last, to };
    } else joined.push({ from, to, state, gpus });
  }
  return joined;
}

function longestPerSlot(spans: readonly DrawnSpan[], start: number, slot: number): readonly DrawnSpan[] {
  const longest = new Map<number, { span: DrawnSpan; overlap: number }>();
  for (const span of spans) {
    const lastSlot = Math.min(PIECES_PER_ROW - 1, Math.floor((span.to - start) / slot));
    for (let index = Math.floor((span.from - start) / slot); index <= lastSlot; index += 1) {
      const overlap = Math.min(span.to, start + (index + 1) * slot) - Math.max(span.from, start + index * slot);
      if (overlap > (longest.get(index)?.overlap ?? 0)) longest.set(index, { span, overlap });
    }
  }
  return [...longest.entries()]
    .toSorted(([a], [b]) => a - b)
    .map(([index, { span }]) => ({ ...span, from: start + index * slot, to: start + (index + 1) * slot }));
}
