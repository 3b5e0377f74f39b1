import type { Configuration, InstantSeconds } from './configuration.ts';
import { globalBatchSize, samePlacement } from './configuration.ts';
import type { Estimate } from './estimate/estimate.ts';
import { describeChange } from './explain/sentence.ts';
import { firstHold, type Hold, type HoldReason } from './guard/question.ts';
import { READINESS_GUARDS } from './guard/readiness.ts';
import { changesBatch, WORTH_GUARDS, yields } from './guard/worth.ts';
import { learningRateScale } from './model/learning-rate.ts';
import { choose, type JobPlan, nothingBetter, type Ranking, rank, type Share } from './plan/choose.ts';
import { poolsAsSeenBy } from './plan/fillers.ts';
import { type Judgement, judge } from './plan/judge.ts';
import { sharePools } from './plan/share.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from './snapshot.ts';

/** What is to be done with one job, and why. */
export interface JobDecision {
  readonly key: string;
  /** `Recommend` is a change that is only told, because the mode does not allow it. */
  readonly action: 'Hold' | 'Reload' | 'Resize' | 'Recommend';
  readonly reason: HoldReason | 'CheaperBatch' | 'CheaperSize' | 'DeadlineAtRisk' | 'YieldsToOthers';
  /** One sentence with figures. */
  readonly message: string;
  /** The configuration to be in: the current one when held. */
  readonly target: Configuration;
  readonly learningRateScale: number;
  readonly estimate: Estimate | undefined;
  readonly plan: JobPlan | undefined;
  readonly deadlineAtRisk: boolean;
  /** When a hold may end by itself. */
  readonly until: InstantSeconds | undefined;
}

export interface FleetPlan {
  readonly decisions: readonly JobDecision[];
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
export function planFleet(snapshot: Snapshot): FleetPlan {
  // 1. Judge every job by itself: what it would cost to finish in each configuration that it may have.
  const seenBy = poolsAsSeenBy(snapshot);
  const judged = inOrderOfUrgency(snapshot.jobs).map((job) => judgeSafely(job, seenBy(job), snapshot));

  // 2. Share the pools, so that all of them together cost least.
  const shares = sharePools(
    judged.flatMap(({ ranking }) => ranking ?? []),
    snapshot,
  );

  // 3. Decide job by job, the most urgent first: what is free now goes to those.
  const free = new FreeGpus(snapshot);
  const decisions = judged.map((each) => {
    const decision = each.broken ?? decideSafely(each, shares.byKey.get(each.job.key), snapshot, free);
    free.take(each.job, decision.target);
    return decision;
  });
  return { decisions, cost: shares.cost, lowerBound: shares.lowerBound, gap: shares.gap };
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

  // 1. Ask whether the job may be judged at all.
  const notReady = firstHold(READINESS_GUARDS, { now, job });
  if (notReady !== undefined) return hold(job, estimate, plan, notReady);
  const pool = pools.find((candidate) => candidate.name === job.history.current.pool);
  if (estimate === undefined || ranking === undefined || plan === undefined || pool === undefined) {
    return hold(job, estimate, plan, {
      reason: 'LearningThroughput',
      message: pool === undefined ? `pool ${job.history.current.pool} is not known` : 'no step time measured yet',
    });
  }

  // 2. Ask whether the plan is worth it.
  const availableGpus = free.of(pool, job);
  const veto = (asked: JobPlan) => firstHold(WORTH_GUARDS, { now, job, estimate, plan: asked, pool, availableGpus });
  const isPossible = (asked: JobPlan) => isAllowed(job, asked) && veto(asked) === undefined;
  const parts = partsOf(job, plan, availableGpus);
  const firstPossible = (admissions: typeof parts) =>
    admissions
      .filter((admits) => !nothingBetter(ranking, admits))
      .map((admits) => choose(ranking, admits))
      .find(isPossible);

  // 3. A batch that may be tried without a restart comes before workers whose worth is not measured yet.
  const trial = estimate.overheadIsMeasured ? undefined : firstPossible(parts.slice(0, 1));
  if (trial !== undefined) return change(job, estimate, trial, pool);
  const notWorth = veto(plan);
  if (notWorth === undefined && isAllowed(job, plan)) return change(job, estimate, plan, pool);

  // 4. What cannot be had as a whole may be had in part: only the batch, or fewer workers, or only the workers.
  const part = notWorth?.reason === 'AtOptimum' ? undefined : firstPossible(parts);
  if (part !== undefined) return change(job, estimate, part, pool);

  // 5. Say why not, or say it where the user did not allow it.
  return notWorth === undefined ? change(job, estimate, plan, pool) : hold(job, estimate, plan, notWorth);
}

/** The job's own choice, or the best on its share where there is not enough for all. */
function chooseWithin(ranking: Ranking, share: Share | undefined): JobPlan {
  const own = choose(ranking);
  const wanted = own.best.configuration;
  // Where a GPU is worth nothing to others there are enough, and each job chooses for itself.
  if (share === undefined || share.worthPerGpu === 0 || samePlacement(wanted, share)) return own;
  return { ...choose(ranking, (configuration) => samePlacement(configuration, share)), contest: { share, wanted } };
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

/** Whether the user lets the operator itself carry the plan out. */
function isAllowed(job: JobSnapshot, plan: JobPlan): boolean {
  return job.limits.mode === 'Auto' && (job.limits.batchMode === 'Auto' || !changesBatch(plan));
}

function change(job: JobSnapshot, estimate: Estimate, plan: JobPlan, pool: PoolSnapshot): JobDecision {
  const { current, best } = plan;
  const resize = !samePlacement(current.configuration, best.configuration);
  const allowed = isAllowed(job, plan);
  return {
    key: job.key,
    action: allowed ? (resize ? 'Resize' : 'Reload') : 'Recommend',
    reason: reasonOf(plan),
    message: describeChange({
      current,
      best,
      saving: plan.savingFraction,
      currency: estimate.remainingWork === 'Assumed' ? undefined : pool.currency,
      purpose: yields(plan) ? 'for jobs that need the GPUs more' : 'to be in time',
    }),
    target: allowed ? best.configuration : current.configuration,
    learningRateScale: scaleFor(job, estimate, allowed ? best.configuration : current.configuration),
    estimate,
    plan,
    deadlineAtRisk: !current.meetsDeadline,
    until: undefined,
  };
}

function reasonOf(plan: JobPlan): JobDecision['reason'] {
  if (plan.savingFraction < 0) return yields(plan) ? 'YieldsToOthers' : 'DeadlineAtRisk';
  return samePlacement(plan.current.configuration, plan.best.configuration) ? 'CheaperBatch' : 'CheaperSize';
}

function hold(job: JobSnapshot, estimate: Estimate | undefined, plan: JobPlan | undefined, why: Hold): JobDecision {
  const target = job.history.current;
  return {
    key: job.key,
    action: 'Hold',
    reason: why.reason,
    message: why.message,
    target,
    learningRateScale: scaleFor(job, estimate, target),
    estimate,
    plan,
    deadlineAtRisk: plan !== undefined && !plan.current.meetsDeadline,
    until: why.until,
  };
}

function scaleFor(job: JobSnapshot, estimate: Estimate | undefined, target: Configuration): number {
  return learningRateScale({
    rule: job.limits.learningRateRule,
    globalBatchSize: globalBatchSize(target),
    initialGlobalBatchSize: job.limits.initialGlobalBatchSize,
    gradientNoiseScale: estimate?.gradientNoiseScale?.value,
  });
}

function inOrderOfUrgency(jobs: readonly JobSnapshot[]): readonly JobSnapshot[] {
  return [...jobs].sort(
    (one, other) =>
      (one.limits.deadline ?? Number.POSITIVE_INFINITY) - (other.limits.deadline ?? Number.POSITIVE_INFINITY) ||
      (one.key < other.key ? -1 : 1),
  );
}

/** GPUs of each pool that no job holds. Running jobs hold theirs from the start. */
class FreeGpus {
  readonly #free = new Map<string, number>();

  constructor(snapshot: Snapshot) {
    for (const pool of snapshot.pools) this.#free.set(pool.name, pool.maxNodes * pool.gpusPerNode - pool.foreignGpus);
    for (const job of snapshot.jobs) this.#add(job.history.current, job, -1);
  }

  of(pool: PoolSnapshot, job: JobSnapshot): number {
    const own = job.history.current.pool === pool.name ? job.history.current.replicas * job.limits.gpusPerReplica : 0;
    return (this.#free.get(pool.name) ?? 0) + own;
  }

  take(job: JobSnapshot, target: Configuration): void {
    const { current } = job.history;
    // What a shrinking job gives back is free only once its pods are gone, so it is not lent out in this cycle.
    if (current.pool === target.pool && target.replicas <= current.replicas) return;
    this.#add(target, job, -1);
    if (current.pool === target.pool) this.#add(current, job, 1);
  }

  #add(configuration: Configuration, job: JobSnapshot, sign: 1 | -1): void {
    const gpus = configuration.replicas * job.limits.gpusPerReplica;
    this.#free.set(configuration.pool, (this.#free.get(configuration.pool) ?? 0) + sign * gpus);
  }
}
