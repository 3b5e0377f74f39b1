import type { ChangeReason } from '../../api/conditions.ts';
import { type Configuration, globalBatchSize, type InstantSeconds, samePlacement } from '../configuration.ts';
import type { Estimate } from '../estimate/estimate.ts';
import { describeChange } from '../explain/sentence.ts';
import type { Hold, HoldReason } from '../guard/question.ts';
import { changesBatch, rescuesBudget, yields } from '../guard/worth.ts';
import { learningRateScale } from '../model/learning-rate.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';
import type { LimitedSignal } from './allowed-hours.ts';
import type { HourlyChange } from './by-the-hour.ts';
import type { JobPlan } from './choose.ts';
import type { DirectDecision } from './starts.ts';

/** What is to be done with one job, and why. */
export interface JobDecision {
  readonly key: string;
  /**
   * `Recommend` is a change that is only told, because the mode does not allow it. `Refuse` says that a job that waits
   * can no longer end by its deadline, whatever it were given.
   */
  readonly action: 'Hold' | 'Reload' | 'Resize' | 'Pause' | 'Resume' | 'Recommend' | 'Start' | 'Refuse';
  readonly reason: HoldReason | ChangeReason | HourlyChange['reason'] | DirectDecision['reason'];
  /** One sentence with figures. */
  readonly message: string;
  /** The configuration to be in: the current one when held, the one to come back to in a pause. */
  readonly target: Configuration;
  readonly learningRateScale: number;
  readonly estimate: Estimate | undefined;
  readonly plan: JobPlan | undefined;
  readonly deadlineAtRisk: boolean;
  /** Whether the deadline is promised to a job that waits or was started with a known speed. */
  readonly isPromised?: boolean;
  /** When a hold or a pause may end by itself. */
  readonly until: InstantSeconds | undefined;
  /** What the windows and limits of its hours come to; undefined where none were looked at. */
  readonly hours?: HoursOutlook | undefined;
}

export interface HoursOutlook {
  /** Seconds that the job will run in excluded hours; undefined where no plan by the hour could be made in time. */
  readonly excludedSeconds: number | undefined;
  readonly unknown: readonly LimitedSignal[];
}

/** Whether the user lets the operator itself carry the plan out. */
export function isAllowed(job: JobSnapshot, plan: JobPlan): boolean {
  return job.limits.mode === 'Auto' && (job.limits.batchMode === 'Auto' || !changesBatch(plan));
}

export function change(job: JobSnapshot, estimate: Estimate, plan: JobPlan, pool: PoolSnapshot): JobDecision {
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
      purpose: PURPOSES[necessityOf(plan)],
    }),
    target: allowed ? best.configuration : current.configuration,
    learningRateScale: scaleFor(job, estimate, allowed ? best.configuration : current.configuration),
    estimate,
    plan,
    deadlineAtRisk: !current.meetsDeadline,
    until: undefined,
  };
}

function reasonOf(plan: JobPlan): ChangeReason {
  if (plan.savingFraction < 0) return necessityOf(plan);
  return samePlacement(plan.current.configuration, plan.best.configuration) ? 'CheaperBatch' : 'CheaperSize';
}

/** Why a change is made that does not save. */
function necessityOf(plan: JobPlan): keyof typeof PURPOSES {
  if (rescuesBudget(plan)) return 'BudgetAtRisk';
  return yields(plan) ? 'YieldsToOthers' : 'DeadlineAtRisk';
}

const PURPOSES = {
  BudgetAtRisk: 'to keep the budget',
  YieldsToOthers: 'for jobs that need the GPUs more',
  DeadlineAtRisk: 'to be in time',
} as const satisfies Partial<Record<ChangeReason, string>>;

export function hold(
  job: JobSnapshot,
  estimate: Estimate | undefined,
  plan: JobPlan | undefined,
  why: Hold,
): JobDecision {
  return told(job, estimate, plan, { ...why, action: 'Hold', target: job.history.current, until: why.until });
}

export function told(
  job: JobSnapshot,
  estimate: Estimate | undefined,
  plan: JobPlan | undefined,
  { action, reason, message, target, until }: Pick<JobDecision, 'action' | 'reason' | 'message' | 'target' | 'until'>,
): JobDecision {
  return {
    key: job.key,
    action,
    reason,
    message,
    target,
    learningRateScale: scaleFor(job, estimate, target),
    estimate,
    plan,
    deadlineAtRisk: plan !== undefined && !plan.current.meetsDeadline,
    until,
  };
}

/** What was decided of a job without judging it. */
export function decided(job: JobSnapshot, decision: DirectDecision): JobDecision {
  const scale = scaleFor(job, undefined, decision.target);
  return { ...decision, key: job.key, learningRateScale: scale, estimate: undefined, plan: undefined };
}

function scaleFor(job: JobSnapshot, estimate: Estimate | undefined, target: Configuration): number {
  return learningRateScale({
    rule: job.limits.learningRateRule,
    globalBatchSize: globalBatchSize(target),
    initialGlobalBatchSize: job.limits.initialGlobalBatchSize,
    gradientNoiseScale: estimate?.gradientNoiseScale?.value,
  });
}
