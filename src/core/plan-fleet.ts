import type { Configuration, InstantSeconds } from './configuration.ts';
import { globalBatchSize, samePlacement } from './configuration.ts';
import { type Estimate, estimateJob } from './estimate/estimate.ts';
import { describeChange } from './explain/sentence.ts';
import { firstHold, type Hold, type HoldReason } from './guard/question.ts';
import { READINESS_GUARDS } from './guard/readiness.ts';
import { changesBatch, WORTH_GUARDS } from './guard/worth.ts';
import { learningRateScale } from './model/learning-rate.ts';
import { choose, type JobPlan, scoreCandidates } from './plan/choose.ts';
import type { JobSnapshot, PoolSnapshot, Snapshot } from './snapshot.ts';

/** What is to be done with one job, and why. */
export interface JobDecision {
  readonly key: string;
  /** `Recommend` is a change that is only told, because the mode does not allow it. */
  readonly action: 'Hold' | 'Reload' | 'Resize' | 'Recommend';
  readonly reason: HoldReason | 'CheaperBatch' | 'CheaperSize' | 'DeadlineAtRisk';
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
}

/**
 * The one door into the core. Pure: the same snapshot always gives the same plan.
 *
 * Jobs take turns, those with the earliest deadline first; each sees what the ones before left of a pool. Running
 * workers are never taken from a job for another's sake. Cost: linear in jobs × candidates (about 50 per size).
 */
export function planFleet(snapshot: Snapshot): FleetPlan {
  const free = new FreeGpus(snapshot);
  const decisions = inOrderOfUrgency(snapshot.jobs).map((job) => {
    const decision = decideSafely(job, snapshot, free);
    free.take(job, decision.target);
    return decision;
  });
  return { decisions };
}

/** One job's broken numbers must not keep the others from being planned: it is held, and says so. */
function decideSafely(job: JobSnapshot, snapshot: Snapshot, free: FreeGpus): JobDecision {
  try {
    return decideJob(job, snapshot, free);
  } catch (error) {
    const message = `planning failed: ${error instanceof Error ? error.message : String(error)}; please report it`;
    return hold(job, undefined, undefined, { reason: 'PlanningFailed', message });
  }
}

function decideJob(job: JobSnapshot, snapshot: Snapshot, free: FreeGpus): JobDecision {
  const { now, pools } = snapshot;
  // 1. Estimate what can be estimated, even when nothing may be changed: people want the figures.
  const estimate = estimateJob(job);
  const scores = estimate === undefined ? undefined : scoreCandidates(job, estimate, pools, now);
  const plan = estimate === undefined || scores === undefined ? undefined : choose(job, estimate, scores);

  // 2. Ask whether the job may be judged at all, then whether the plan is worth it.
  const notReady = firstHold(READINESS_GUARDS, { now, job });
  if (notReady !== undefined) return hold(job, estimate, plan, notReady);
  const pool = pools.find((candidate) => candidate.name === job.history.current.pool);
  if (estimate === undefined || scores === undefined || plan === undefined || pool === undefined) {
    return hold(job, estimate, plan, {
      reason: 'LearningThroughput',
      message: pool === undefined ? `pool ${job.history.current.pool} is not known` : 'no step time measured yet',
    });
  }
  const availableGpus = free.of(pool, job);
  const veto = (asked: JobPlan) => firstHold(WORTH_GUARDS, { now, job, estimate, plan: asked, pool, availableGpus });
  const isPossible = (asked: JobPlan) => isAllowed(job, asked) && veto(asked) === undefined;
  const { current } = job.history;
  const parts: readonly ((configuration: Configuration) => boolean)[] = [
    (configuration) => samePlacement(configuration, current),
    ({ replicas }) => replicas * job.limits.gpusPerReplica <= availableGpus,
    (configuration) => globalBatchSize(configuration) === globalBatchSize(current),
  ];
  const firstPossible = (admissions: typeof parts) =>
    admissions.flatMap((admits) => choose(job, estimate, scores, admits) ?? []).find(isPossible);

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

/** Whether the user lets the operator itself carry the plan out. */
function isAllowed(job: JobSnapshot, plan: JobPlan): boolean {
  return job.limits.mode === 'Auto' && (job.limits.batchMode === 'Auto' || !changesBatch(plan));
}

function change(job: JobSnapshot, estimate: Estimate, plan: JobPlan, pool: PoolSnapshot): JobDecision {
  const { current, best } = plan;
  const resize = !samePlacement(current.configuration, best.configuration);
  const allowed = isAllowed(job, plan);
  const saving = plan.savingFraction;
  return {
    key: job.key,
    action: allowed ? (resize ? 'Resize' : 'Reload') : 'Recommend',
    reason: saving < 0 ? 'DeadlineAtRisk' : resize ? 'CheaperSize' : 'CheaperBatch',
    message: describeChange({
      current,
      best,
      saving,
      currency: estimate.remainingWork === 'Assumed' ? undefined : pool.currency,
    }),
    target: allowed ? best.configuration : current.configuration,
    learningRateScale: scaleFor(job, estimate, allowed ? best.configuration : current.configuration),
    estimate,
    plan,
    deadlineAtRisk: !current.meetsDeadline,
    until: undefined,
  };
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
