import fc from 'fast-check';
import type { Claim, Reservation } from '../../src/core/plan/reserve.ts';

/** A job of so much work on 1, 2, 4 and 8 GPUs, each doubling of which is worth `perDoubling` times the speed. */
export function aClaim(parts: Partial<Claim> & { readonly work?: number; readonly perDoubling?: number } = {}): Claim {
  const { work = 1000, perDoubling = 1.6, ...rest } = parts;
  return {
    key: 'job',
    deadline: Number.POSITIVE_INFINITY,
    heldGpus: 0,
    isNew: true,
    restartSeconds: 10,
    sizes: [0, 1, 2, 3].map((doublings) => ({ gpus: 2 ** doublings, workSeconds: work / perDoubling ** doublings })),
    ...rest,
  };
}

/** Jobs that wait or run, for 16 GPUs: those that run hold no more than there are. */
export const someClaims: fc.Arbitrary<readonly Claim[]> = fc
  .array(
    fc.record({
      work: fc.integer({ min: 10, max: 20_000 }),
      perDoubling: fc.double({ min: 1.05, max: 2, noNaN: true }),
      deadline: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.integer({ min: 10, max: 40_000 })),
      heldGpus: fc.constantFrom(0, 0, 1, 2, 4, 8),
      wasPromised: fc.boolean(),
    }),
    { maxLength: 12 },
  )
  .map((rows) => {
    let free = 16;
    return rows.map(({ work, perDoubling, deadline, heldGpus, wasPromised }, index) => {
      const held = heldGpus <= free ? heldGpus : 0;
      free -= held;
      const isNew = held === 0 && !wasPromised;
      return aClaim({ key: `job-${index}`, work, perDoubling, deadline, heldGpus: held, isNew });
    });
  });

/** The most GPUs that reservations hold at any one instant. */
export function mostHeld(reservations: Iterable<Reservation>): number {
  const all = [...reservations];
  return Math.max(
    0,
    ...all.map(({ from: instant }) =>
      all.reduce((sum, { gpus, from, to }) => (from <= instant && instant < to ? sum + gpus : sum), 0),
    ),
  );
}
