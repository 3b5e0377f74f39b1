import { type Claim, type ClaimSize, type Reservation, type Reservations, secondsOf } from './reserve.ts';
import type { Timeline } from './timeline.ts';

/**
 * Speed that another GPU has to bring, as a share of what it would if speed grew with the GPUs: (Δspeed / speed) /
 * (Δgpus / gpus). Below it the GPUs mostly wait for each other, and the power is wasted.
 */
const LEAST_EFFICIENCY = 0.3;
/** A restart for the sake of lent GPUs has to save so many times its own length. */
const SAVED_PER_RESTART = 10;

/**
 * Lends the GPUs of a paid pool that nobody has reserved, for as long as nobody has: step by step to the job that they
 * make faster by the largest share. They cost nothing while they would stand idle, and what ends earlier leaves room
 * for what comes. What a job holds already it keeps without asking, since giving it back would cost a restart.
 *
 * `mayBorrow` tells which jobs may be restarted once more. Returns the reservations with what was lent; the timeline is
 * changed accordingly.
 */
export function lend(
  claims: readonly Claim[],
  reservations: Reservations,
  mayBorrow: (claim: Claim) => boolean,
): ReadonlyMap<string, Reservation> {
  const loans = new Loans(reservations);
  const starters = claims.filter(({ key }) => reservations.byKey.get(key)?.from === 0);

  // 1. Nobody gives back what nobody needs.
  for (const claim of starters) {
    const held = claim.sizes.find(({ gpus }) => gpus === claim.heldGpus);
    if (held !== undefined && loans.isPossible(claim, held)) loans.make(claim, held);
  }

  // 2. The rest goes, step by step, where it brings most.
  for (let best = mostEfficient(starters, loans, mayBorrow); best !== undefined; ) {
    loans.make(best.claim, best.size);
    best = mostEfficient(starters, loans, mayBorrow);
  }
  return loans.byKey;
}

class Loans {
  readonly byKey: Map<string, Reservation>;
  readonly #timeline: Timeline;

  constructor({ byKey, timeline }: Reservations) {
    this.byKey = new Map(byKey);
    this.#timeline = timeline;
  }

  /** Whether what the size has more is free until the job would end with it. */
  isPossible(claim: Claim, size: ClaimSize): boolean {
    const before = this.byKey.get(claim.key);
    if (before === undefined || size.gpus <= before.gpus) return false;
    return this.#timeline.isFreeNow(size.gpus - before.gpus, secondsOf(claim, size));
  }

  make(claim: Claim, size: ClaimSize): void {
    const before = this.byKey.get(claim.key);
    if (before !== undefined) this.#timeline.take(-before.gpus, before.from, before.to);
    const after = { gpus: size.gpus, from: 0, to: secondsOf(claim, size) };
    this.#timeline.take(after.gpus, after.from, after.to);
    this.byKey.set(claim.key, after);
  }
}

function mostEfficient(
  claims: readonly Claim[],
  loans: Loans,
  mayBorrow: (claim: Claim) => boolean,
): { readonly claim: Claim; readonly size: ClaimSize } | undefined {
  let most: { readonly claim: Claim; readonly size: ClaimSize } | undefined;
  let highest = LEAST_EFFICIENCY;
  for (const claim of claims) {
    const before = loans.byKey.get(claim.key);
    const size = before === undefined ? undefined : nextSize(claim, before);
    if (before === undefined || size === undefined) continue;
    const efficiency = efficiencyOf(claim, before, size);
    if (efficiency < highest || (efficiency === highest && most !== undefined)) continue;
    const isRestart = before.gpus === claim.heldGpus;
    if ((isRestart && !mayBorrow(claim)) || !pays(claim, before, size) || !loans.isPossible(claim, size)) continue;
    highest = efficiency;
    most = { claim, size };
  }
  return most;
}

function nextSize({ sizes }: Claim, { gpus }: Reservation): ClaimSize | undefined {
  return sizes.find((size) => size.gpus > gpus);
}

function efficiencyOf({ sizes }: Claim, before: Reservation, next: ClaimSize): number {
  const size = sizes.find(({ gpus }) => gpus === before.gpus);
  if (size === undefined) return 0;
  return (size.workSeconds / next.workSeconds - 1) / (next.gpus / size.gpus - 1);
}

/** A restart that is due anyway costs nothing more. */
function pays(claim: Claim, before: Reservation, next: ClaimSize): boolean {
  const saved = before.to - secondsOf(claim, next);
  return before.gpus === claim.heldGpus ? saved >= SAVED_PER_RESTART * claim.restartSeconds : saved > 0;
}
