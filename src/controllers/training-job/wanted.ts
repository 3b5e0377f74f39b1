import { budgetStop } from './budget.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** How many workers there should be: 0 while suspended or paused, the number decided on in Auto, else the user's. */
export function wantedReplicas(view: JobView, draft: Draft): number {
  const { job, limits, status, decision } = view;
  const suspension = suspensionOf(view);
  if (suspension !== undefined) {
    draft.condition('Suspended', 'True', suspension.reason, suspension.message);
    return 0;
  }
  draft.condition('Suspended', 'False', 'NotSuspended', 'the job may run');
  if (draft.status.pause !== undefined) return 0;
  if (limits.mode !== 'Auto') return job.spec.replicas;
  if (decision?.action === 'Resize' || decision?.action === 'Resume') return decision.target.replicas;
  const decided = status.replicas === 0 ? undefined : status.replicas;
  const replicas = decided ?? view.tunedReplicas ?? job.spec.replicas;
  return Math.min(limits.maxReplicas, Math.max(limits.minReplicas, replicas));
}

function suspensionOf(view: JobView): { reason: 'SuspendedByUser' | 'BudgetExceeded'; message: string } | undefined {
  if (view.job.spec.suspend === true) return { reason: 'SuspendedByUser', message: 'spec.suspend is true' };
  const message = budgetStop(view);
  return message === undefined ? undefined : { reason: 'BudgetExceeded', message };
}
