import type { Configuration, InstantSeconds } from './configuration.ts';
import { globalBatchSize, samePlacement } from './configuration.ts';
import type { Estimate } from './estimate/estimate.ts';
import { isPlausible } from './estimate/reading.ts';
import { firstHold } from './guard/question.ts';
import { heldByUser, READINESS_GUARDS } from './guard/readiness.ts';
import { WORTH_GUARDS, yields } from './guard/worth.ts';
import { allowedHours, exclusionAt } from './plan/allowed-hours.ts';
import { changeForTheHour, changeOfPaused, type HourlyChange, pauseOutside } from './plan/by-the-hour.ts';
import { choose, chooseToYield, type JobPlan, nothingBetter, type Ranking, rank, type Share } from './plan/choose.ts';
import { consolidate, type Move } from './plan/consolidate.ts';
import { change, decided, type HoursOutlook, hold, isAllowed, type JobDecision, told } from './plan/decision.ts';
import { poolsAsSeenBy } from './plan/fillers.ts';
import { FreeGpus } from './plan/free-gpus.ts';
import { type Judgement, judge } from './plan/judge.ts';
import { type Schedule, scheduleOf, withLastingHours } from './plan/schedule.ts';
import { sharePools } from './plan/share.ts';
import { decideDirectly } from './plan/starts.ts';
import { staysOut, waitUnmeasured } from './plan/unmeasured.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from './snapshot.ts';

export type { JobDecision };

export interface FleetPlan {
  readonly decisions: readonly JobDecision[];
  /** Jobs to be restarted at their size on other nodes, so that a node can be given back. */
  readonly moves: readonly Move[];
  /** Cost of all runs to their ends as the pools are shared, and what no choice among the same placements goes below. */
  readonly cost: number;
  readonly lowerBound: number;
  /** Proven distance between the two as a share of the cost. */
  readonly gap: number;
}

/**
 * The one door into the core. Pure: the same snapshot always gives the same plan.
 *
 * Cost: jobs × placements when nobody competes; judging a job anew, about 0.2 ms, only when its evidence, its limits or
 * a price has changed.
 */
export function planFleet(seen: Snapshot): FleetPlan {
  // A pool whose price is no number is one of which nothing is known.
  const known = seen.pools.filter(({ pricePerNodeHour }) => isPlausible(pricePerNodeHour));
  const whole = { ...seen, pools: withLastingHours(known) };

  // 1. Start what waits, and share what is paid for anyway among the jobs whose speed is known.
  const inOrder = inOrderOfUrgency(whole.jobs);
  const { byKey: direct, rest: snapshot } = decideDirectly(whole, inOrder);

  // 2. Judge every other job by itself: what it would cost to finish in each configuration that it may have.
  const seenBy = poolsAsSeenBy(snapshot);
  const judged = inOrder.filter(({ key }) => !direct.has(key)).map((job) => judgeSafely(job, seenBy(job), snapshot));

  // 3. Share the pools, so that all of them together cost least.
  const rankings = judged.flatMap(({ ranking }) => ranking ?? []);
  const shares = sharePools(rankings, snapshot);

  // 4. Decide job by job, the most urgent first: what is free now goes to those.
  const free = new FreeGpus(snapshot);
  const decisions = judged.map((each) => {
    const decision = each.broken ?? decideSafely(each, shares.byKey.get(each.job.key), snapshot, free);
    // What waits holds nothing.
    if (each.job.history.busyWith !== 'Paused' || decision.action === 'Resume') free.take(each.job, decision.target);
    return decision;
  });

  // 5. Empty nodes that hardly anybody uses.
  const changing = new Set(decisions.filter(({ action }) => action === 'Resize').map(({ key }) => key));
  const moves = consolidate(snapshot, rankings, changing);
  const directly = inOrder.flatMap((job) => {
    const decision = direct.get(job.key);
    return decision === undefined ? [] : [decided(job, decision)];
  });
  const { cost, lowerBound, gap } = shares;
  return { decisions: [...directly, ...decisions], moves, cost, lowerBound, gap };
}

interface Judged {
  readonly job: JobSnapshot;
  readonly judgement: Judgement | undefined;
  readonly ranking: Ranking | undefined;
  /** The answer to a job whose numbers cannot be planned with. */
  readonly broken?: JobDecision;
}

function judgeSafely(job: JobSnapshot, pools: readonly PoolSnapshot[], snapshot: Snapshot): Judged {
  try {
    const judgement = judge(job, pools);
    return { job, judgement, ranking: judgement === undefined ? undefined : rank(job, judgement, snapshot) };
  } catch (error) {
    return { job, judgement: undefined, ranking: undefined, broken: failed(job, error) };
  }
}

function decideSafely(judged: Judged, share: Share | undefined, snapshot: Snapshot, free: FreeGpus): JobDecision {
  try {
    return decideJob(judged, share, snapshot, free);
  } catch (error) {
    return failed(judged.job, error);
  }
}

/** One job's broken numbers must not keep the others from being planned: it is held, and says so. */
function failed(job: JobSnapshot, error: unknown): JobDecision {
  const message = `planning failed: ${error instanceof Error ? error.message : String(error)}; please report it`;
  return hold(job, undefined, undefined, { reason: 'PlanningFailed', message });
}

function decideJob(
  { job, judgement, ranking }: Judged,
  share: Share | undefined,
  { now, pools }: Snapshot,
  free: FreeGpus,
): JobDecision {
  const estimate = judgement?.estimate;
  const plan = ranking === undefined ? undefined : chooseWithin(ranking, share);
  if (job.history.busyWith === 'Paused') return decidePaused({ job, judgement, ranking }, plan, { now, pools }, free);

  // 1. Ask whether it must leave excluded hours, and whether it may be judged at all.
  const pool = pools.find((candidate) => candidate.name === job.history.current.pool);
  const outside = leavesHours(job, pool, now);
  if (outside !== undefined) return told(job, estimate, plan, outside);
  const notReady = firstHold(READINESS_GUARDS, { now, job });
  if (notReady !== undefined) return hold(job, estimate, plan, notReady);
  if (estimate === undefined || ranking === undefined || plan === undefined || pool === undefined) {
    return hold(job, estimate, plan, {
      reason: 'LearningThroughput',
      message:
        pool === undefined ? `pool ${job.history.current.pool} or its price is not known` : 'no step time measured yet',
    });
  }

  // 2. Where prices change by the hour, those say where to run and when.
  const availableGpus = free.of(pool, job);
  const schedule = scheduleFor(ranking, plan, pool, now);
  const hours = hoursOutlook(job, pool, schedule, now);
  const forTheHour = changeForTheHour({ now, ranking, pool, schedule, availableGpus });
  if (forTheHour !== undefined) return { ...told(job, estimate, plan, forTheHour), hours };

  // 3. Ask whether the plan is worth it.
  const asked = { job, estimate, pool, availableGpus, now };
  if (schedule === undefined) return { ...decideByWorth({ ...asked, ranking, plan }), hours };
  const { onPlace, staying } = whereItIs(ranking, plan);
  return { ...decideByWorth({ ...asked, ranking: onPlace, plan: staying }), hours };
}

/** A job leaves hours that it must not run in though its trainer is silent or new. */
function leavesHours(job: JobSnapshot, pool: PoolSnapshot | undefined, now: InstantSeconds): HourlyChange | undefined {
  const { busyWith } = job.history;
  const isAtWork = busyWith === 'Nothing' || busyWith === 'Reload';
  if (pool === undefined || !isAtWork || heldByUser({ now, job }) !== undefined) return undefined;
  const wait = staysOut(job, pool, now);
  return wait === undefined ? undefined : pauseOutside(job, wait.until, now);
}

/** What is told of the windows and limits of a job's hours. */
function hoursOutlook(
  { limits }: JobSnapshot,
  pool: PoolSnapshot,
  schedule: Schedule | undefined,
  now: InstantSeconds,
): HoursOutlook | undefined {
  const allowed = limits.eco === undefined ? undefined : allowedHours(limits, pool, now);
  if (allowed === undefined) return undefined;
  const isExcludedNow = exclusionAt(allowed, now) !== undefined;
  const excludedSeconds = schedule?.excludedSeconds ?? (isExcludedNow ? undefined : 0);
  return { excludedSeconds, unknown: allowed.unknown };
}

/** Only the batch is left to choose where the hours say on which placement to run. */
function whereItIs(ranking: Ranking, plan: JobPlan): { readonly onPlace: Ranking; readonly staying: JobPlan } {
  const isHere = (each: Configuration) => samePlacement(each, ranking.job.history.current);
  const onPlace = { ...ranking, ranked: ranking.ranked.filter(({ score }) => isHere(score.configuration)) };
  return { onPlace, staying: isHere(plan.best.configuration) ? plan : choose(onPlace) };
}

interface Worth {
  readonly job: JobSnapshot;
  readonly estimate: Estimate;
  readonly ranking: Ranking;
  readonly plan: JobPlan;
  readonly pool: PoolSnapshot;
  readonly availableGpus: number;
  readonly now: InstantSeconds;
}

function decideByWorth({ job, estimate, ranking, plan, pool, availableGpus, now }: Worth): JobDecision {
  const veto = (asked: JobPlan) => firstHold(WORTH_GUARDS, { now, job, estimate, plan: asked, pool, availableGpus });
  const isPossible = (asked: JobPlan) => isAllowed(job, asked) && veto(asked) === undefined;
  const parts = partsOf(job, plan, availableGpus);
  const firstPossible = (admissions: typeof parts) =>
    admissions
      .filter((admits) => !nothingBetter(ranking, admits))
      .map((admits) => choose(ranking, admits))
      .find(isPossible);

  // 1. A batch that may be tried without a restart comes before workers whose worth is not measured yet.
  const trial = estimate.overheadIsMeasured ? undefined : firstPossible(parts.slice(0, 1));
  if (trial !== undefined) return change(job, estimate, trial, pool);
  const notWorth = veto(plan);
  if (notWorth === undefined && isAllowed(job, plan)) return change(job, estimate, plan, pool);

  // 2. What cannot be had as a whole may be had in part: only the batch, or fewer workers, or only the workers.
  const part = notWorth?.reason === 'AtOptimum' ? undefined : firstPossible(parts);
  if (part !== undefined) return change(job, estimate, part, pool);

  // 3. Say why not, or say it where the user did not allow it.
  return notWorth === undefined ? change(job, estimate, plan, pool) : hold(job, estimate, plan, notWorth);
}

/**
 * What the hours say of a job that runs. They are not asked while its deadline is in danger or it has to yield; others'
 * need limits how many workers they may give it.
 */
function scheduleFor(ranking: Ranking, plan: JobPlan, pool: PoolSnapshot, now: InstantSeconds): Schedule | undefined {
  const { mode, eco } = ranking.job.limits;
  const isLate = !plan.current.meetsDeadline && eco?.mayMissDeadline !== true;
  if (mode !== 'Auto' || isLate || yields(plan)) return undefined;
  return scheduleOf(ranking, pool, now, plan.contest?.share.replicas ?? Number.POSITIVE_INFINITY);
}

/** Waits for its hours, or goes on; a job of which too little is known to say goes on as it was. */
function decidePaused(
  { job, judgement, ranking }: Judged,
  plan: JobPlan | undefined,
  { now, pools }: Pick<Snapshot, 'now' | 'pools'>,
  free: FreeGpus,
): JobDecision {
  const estimate = judgement?.estimate;
  const held = heldByUser({ now, job });
  if (held !== undefined) return hold(job, estimate, plan, held);
  const pool = pools.find((candidate) => candidate.name === job.history.current.pool);
  const isMeasured = ranking !== undefined && plan !== undefined;
  const wait = pool === undefined ? undefined : (isMeasured ? staysOut : waitUnmeasured)(job, pool, now);
  if (wait !== undefined) return hold(job, estimate, plan, { reason: 'WaitingForHours', ...wait });
  if (!isMeasured || pool === undefined) {
    const message = 'goes on: too little is known of it to wait for hours';
    const change = { action: 'Resume', reason: 'NoReasonToWait', message, until: undefined } as const;
    return told(job, estimate, plan, { ...change, target: job.history.current });
  }
  const schedule = scheduleFor(ranking, plan, pool, now);
  const asked = { now, ranking, pool, schedule, availableGpus: free.of(pool, job) };
  const hours = hoursOutlook(job, pool, schedule, now);
  return { ...told(job, estimate, plan, changeOfPaused(asked)), hours };
}

/** The job's own choice, or the best on its share where there is not enough for all. */
function chooseWithin(ranking: Ranking, share: Share | undefined): JobPlan {
  const own = choose(ranking);
  const wanted = own.best.configuration;
  // Where a GPU is worth nothing to others there are enough, and each job chooses for itself.
  if (share === undefined || share.worthPerGpu === 0 || samePlacement(wanted, share)) return own;
  const contest = { share, wanted };
  if (isFewer(share, ranking.job.history.current)) return { ...chooseToYield(ranking, share), contest };
  return { ...choose(ranking, (configuration) => samePlacement(configuration, share)), contest };
}

function isFewer(share: Share, current: Configuration): boolean {
  return share.pool === current.pool && share.replicas < current.replicas;
}

/** What to settle for, in this order: only another batch, what the free GPUs allow, only other workers. */
function partsOf(
  job: JobSnapshot,
  { contest }: JobPlan,
  availableGpus: number,
): readonly ((configuration: Configuration) => boolean)[] {
  const { current } = job.history;
  const most = contest === undefined ? Number.POSITIVE_INFINITY : Math.max(contest.share.replicas, current.replicas);
  return [
    (configuration) => samePlacement(configuration, current),
    ({ replicas }) => replicas <= most && replicas * job.limits.gpusPerReplica <= availableGpus,
    (configuration) => configuration.replicas <= most && globalBatchSize(configuration) === globalBatchSize(current),
  ];
}

function inOrderOfUrgency(jobs: readonly JobSnapshot[]): readonly JobSnapshot[] {
  return [...jobs].sort(
    (one, other) =>
      (one.limits.deadline ?? Number.MAX_VALUE) - (other.limits.deadline ?? Number.MAX_VALUE) ||
      (one.submittedAt ?? 0) - (other.submittedAt ?? 0) ||
      (one.key < other.key ? -1 : 1),
  );
}
