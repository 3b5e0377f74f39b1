import type { HoldReason } from '../../api/conditions.ts';
import type { InstantSeconds } from '../configuration.ts';
import type { Estimate } from '../estimate/estimate.ts';
import type { JobPlan } from '../plan/choose.ts';
import type { JobSnapshot, PoolSnapshot } from '../snapshot.ts';

export interface Question {
  readonly now: InstantSeconds;
  readonly job: JobSnapshot;
}

/** Asked once a plan exists. */
export interface PlanQuestion extends Question {
  readonly estimate: Estimate;
  readonly plan: JobPlan;
  readonly pool: PoolSnapshot;
  /** GPUs of the pool that this job may have, its own included. */
  readonly availableGpus: number;
}

export type { HoldReason };

export interface Hold {
  readonly reason: HoldReason;
  readonly message: string;
  /** When the answer may change by itself. */
  readonly until?: InstantSeconds | undefined;
}

/** A veto: undefined lets the plan pass. */
export type Guard<Q> = (question: Q) => Hold | undefined;

/** The first veto in the order of the list. */
export function firstHold<Q>(guards: readonly Guard<Q>[], question: Q): Hold | undefined {
  for (const guard of guards) {
    const hold = guard(question);
    if (hold !== undefined) return hold;
  }
  return undefined;
}
