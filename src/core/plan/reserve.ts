import { Timeline } from './timeline.ts';

/** What one job asks of a pool that is paid for: its work done by its deadline. Spans in seconds from now. */
export interface Claim {
  readonly key: string;
  /** Infinite for a job without a deadline. */
  readonly deadline: number;
  /** GPUs that it runs on; 0 while it waits for its start. What runs is not stopped, but may be made smaller. */
  readonly heldGpus: number;
  /** Whether it asks for the first time; the others were promised their deadlines. */
  readonly isNew: boolean;
  /** Time without steps that any number of GPUs but the held one begins with. */
  readonly restartSeconds: number;
  /** By GPUs, ascending; more GPUs are faster. One at least. */
  readonly sizes: readonly ClaimSize[];
}

export interface ClaimSize {
  readonly gpus: number;
  /** The rest of the work, without restarts. */
  readonly workSeconds: number;
}

/** GPUs held all the time from a start to the end of the work. */
export interface Reservation {
  readonly gpus: number;
  readonly from: number;
  readonly to: number;
}

export interface Reservations {
  readonly byKey: ReadonlyMap<string, Reservation>;
  /** What was not promised, with the earliest deadline that could have been. */
  readonly refused: ReadonlyMap<string, number>;
  readonly timeline: Timeline;
}

interface Plan {
  readonly byKey: Map<string, Reservation>;
  readonly late: readonly string[];
  readonly timeline: Timeline;
}

type Preference = 'Held' | 'Cheapest';

/** How often those that would be late are given precedence before it is accepted that somebody is. */
const ORDERS_TRIED = 8;

/**
 * Reserves GPUs so that every job ends by its deadline: in the order of deadlines each gets the number of GPUs, held
 * from a start to the end, that does its work with the fewest GPU-seconds in time on what the earlier ones left free,
 * as early as it can be had. A new job is promised its deadline only when nobody who was promised one becomes late.
 *
 * Numbers that are in force are kept where that makes nobody late, so that jobs are not restarted without need.
 * Deterministic. O(new jobs × orders tried × jobs² × sizes) at worst.
 */
export function reserve(claims: readonly Claim[], gpus: number): Reservations {
  // 1. Those who hold GPUs or were promised some.
  let promised = claims.filter(({ isNew }) => !isNew).sort(byDeadline);
  let plan = planInTime(promised, gpus);

  // 2. The new ones, the most urgent first; each where it makes nobody late.
  const refused = new Map<string, number>();
  for (const claim of claims.filter(({ isNew }) => isNew).sort(byDeadline)) {
    const joined = withNew(promised, claim, plan.late, gpus);
    if (joined === undefined) {
      refused.set(claim.key, earliestEnd(claim, plan.timeline));
      continue;
    }
    promised = [...promised, claim].sort(byDeadline);
    plan = joined;
  }
  return { byKey: plan.byKey, refused, timeline: plan.timeline };
}

/** With one more job, in the order of deadlines or behind all others; undefined when that makes anybody late. */
function withNew(
  promised: readonly Claim[],
  claim: Claim,
  lateAnyway: readonly string[],
  gpus: number,
): Plan | undefined {
  const isKept = ({ late }: Plan) => late.every((key) => lateAnyway.includes(key));
  const inOrder = planInTime([...promised, claim].sort(byDeadline), gpus);
  if (isKept(inOrder)) return inOrder;
  const behind = planInTime([...promised, claim], gpus);
  return isKept(behind) ? behind : undefined;
}

function planInTime(order: readonly Claim[], gpus: number): Plan {
  let best: Plan | undefined;
  for (const preference of ['Held', 'Cheapest'] as const) {
    let tried = order;
    for (let attempt = 0; attempt < ORDERS_TRIED; attempt++) {
      const plan = place(tried, gpus, preference);
      if (best === undefined || plan.late.length < best.late.length) best = plan;
      if (plan.late.length === 0) return plan;
      const isLate = ({ key }: Claim) => plan.late.includes(key);
      tried = [...tried.filter(isLate), ...tried.filter((claim) => !isLate(claim))];
    }
  }
  return best ?? place(order, gpus, 'Held');
}

function place(order: readonly Claim[], gpus: number, preference: Preference): Plan {
  const timeline = new Timeline(gpus);
  const byKey = new Map<string, Reservation>();
  const late: string[] = [];
  // What runs is sure of its smallest size, whoever comes first.
  for (const claim of order) {
    if (claim.heldGpus > 0) setAside(claim, timeline, 1);
  }
  for (const claim of order) {
    if (claim.heldGpus > 0) setAside(claim, timeline, -1);
    const reservation = best(claim, timeline, preference);
    timeline.take(reservation.gpus, reservation.from, reservation.to);
    byKey.set(claim.key, reservation);
    if (reservation.to > claim.deadline) late.push(claim.key);
  }
  return { byKey, late, timeline };
}

function setAside(claim: Claim, timeline: Timeline, sign: 1 | -1): void {
  const [smallest] = claim.sizes;
  if (smallest !== undefined) timeline.take(sign * smallest.gpus, 0, secondsOf(claim, smallest));
}

/** The cheapest that ends in time; else that which ends first. */
function best(claim: Claim, timeline: Timeline, preference: Preference): Reservation {
  let soonest: Reservation | undefined;
  for (const size of inOrderOfCost(claim, preference)) {
    const seconds = secondsOf(claim, size);
    const from = startOf(claim, size, timeline);
    const reservation = { gpus: size.gpus, from, to: from + seconds };
    if (reservation.to < Number.POSITIVE_INFINITY && reservation.to <= claim.deadline) return reservation;
    if (soonest === undefined || reservation.to < soonest.to) soonest = reservation;
  }
  if (soonest !== undefined && soonest.from < Number.POSITIVE_INFINITY) return soonest;
  return { gpus: 0, from: Number.POSITIVE_INFINITY, to: Number.POSITIVE_INFINITY };
}

function startOf(claim: Claim, size: ClaimSize, timeline: Timeline): number {
  const seconds = secondsOf(claim, size);
  if (claim.heldGpus === 0) return timeline.earliest(size.gpus, seconds);
  // Where there is no room even for the smallest size, as when a node was lost, it goes on all the same.
  const runsOn = size === claim.sizes[0] || timeline.isFreeNow(size.gpus, seconds);
  return runsOn ? 0 : Number.POSITIVE_INFINITY;
}

function inOrderOfCost(claim: Claim, preference: Preference): readonly ClaimSize[] {
  const isHeld = ({ gpus }: ClaimSize) => preference === 'Held' && gpus === claim.heldGpus;
  const cost = (size: ClaimSize) => size.gpus * secondsOf(claim, size);
  return claim.sizes.toSorted((one, other) => Number(isHeld(other)) - Number(isHeld(one)) || cost(one) - cost(other));
}

function earliestEnd(claim: Claim, timeline: Timeline): number {
  return Math.min(
    ...claim.sizes.map((size) => {
      const seconds = secondsOf(claim, size);
      return timeline.earliest(size.gpus, seconds) + seconds;
    }),
  );
}

/** Seconds from a start with so many GPUs to the end. */
export function secondsOf({ heldGpus, restartSeconds }: Claim, { gpus, workSeconds }: ClaimSize): number {
  return workSeconds + (gpus === heldGpus ? 0 : restartSeconds);
}

function byDeadline(one: Claim, other: Claim): number {
  // Infinities have no difference.
  if (one.deadline !== other.deadline) return one.deadline < other.deadline ? -1 : 1;
  return one.key < other.key ? -1 : 1;
}
