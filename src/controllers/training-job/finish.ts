import { duration, figure, money } from '../../core/explain/figures.ts';
import { hasEnded } from '../ended.ts';
import { fromInstant, toInstant } from '../instants.ts';
import { budgetStop } from './budget.ts';
import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

const FAILURES = {
  BackoffLimitExceeded: 'BackoffLimitExceeded',
  DeadlineExceeded: 'ActiveDeadlineExceeded',
} as const;

/** Reports a run that has ended and says whether it has. The result stands even when the workload is deleted later. */
export function reportFinished(view: JobView, draft: Draft): boolean {
  const { status, workerJob } = view;
  if (hasEnded(status)) return true;
  const complete = workerJob?.status?.conditions?.find(({ type, status: is }) => type === 'Complete' && is === 'True');
  const failed = workerJob?.status?.conditions?.find(({ type, status: is }) => type === 'Failed' && is === 'True');
  if (complete === undefined && failed === undefined) return false;

  draft.status.completionTime = workerJob?.status?.completionTime ?? new Date(view.now * 1000).toISOString();
  draft.status.replicas = 0;
  draft.status.readyReplicas = 0;
  draft.status.workers = '0/0';
  draft.status.gpus = 0;
  delete draft.status.resize;
  delete draft.status.tuning;
  delete draft.status.pause;
  draft.condition('Running', 'False', 'Finished', 'the run has ended');
  draft.condition('CapacityReady', 'Unknown', 'NotNeeded', 'the run has ended');
  draft.condition('Rescaling', 'False', 'NotRescaling', 'nothing is being changed');
  if (complete !== undefined) {
    draft.status.state = 'Complete';
    draft.condition('Complete', 'True', 'WorkloadSucceeded', 'all workers ended successfully');
    draft.event('Normal', 'Complete', `all workers ended successfully${endSummary(view)}`);
  } else {
    const reason = FAILURES[failed?.reason as keyof typeof FAILURES] ?? 'WorkloadFailed';
    draft.status.state = 'Failed';
    draft.condition('Failed', 'True', reason, failed?.message ?? 'the workload failed');
    draft.event('Warning', 'Failed', failed?.message ?? 'the workload failed');
  }
  return true;
}

/** Ends a run whose budget is used up and that is to fail then, once its workers have stopped. */
export function failForBudget(view: JobView, draft: Draft): void {
  const message = view.job.spec.budget?.onExceeded === 'Fail' ? budgetStop(view) : undefined;
  const isAtRest = draft.status.resize === undefined && view.livePods.length === 0;
  const isStopped = view.workerJob === undefined || view.workerJob.spec.suspend === true;
  if (message === undefined || !isAtRest || !isStopped) return;
  draft.status.completionTime = toInstant(view.now);
  draft.status.state = 'Failed';
  delete draft.status.pause;
  draft.condition('Running', 'False', 'Finished', 'the run has ended');
  draft.condition('CapacityReady', 'Unknown', 'NotNeeded', 'the run has ended');
  draft.condition('Failed', 'True', 'BudgetExceeded', message);
  draft.event('Warning', 'Failed', `${message}${endSummary(view)}`);
}

/** What the run took, as far as it is known. */
function endSummary({ status, now }: JobView): string {
  const { cost, energy, startTime, pauses = 0, pausedSeconds = 0 } = status;
  const started = fromInstant(startTime);
  const parts = [
    started === undefined ? undefined : duration(now - started),
    cost?.accrued === undefined ? undefined : money(Number(cost.accrued), cost.currency),
    energy === undefined ? undefined : `${figure(Number(energy.kilowattHours))} kWh`,
    energy?.co2eKilograms === undefined ? undefined : `${figure(Number(energy.co2eKilograms))} kg CO2e`,
    pausedSeconds === 0 ? undefined : `${pauses} pauses, ${duration(pausedSeconds)} waited`,
  ].filter((part) => part !== undefined);
  return parts.length === 0 ? '' : `: ${parts.join(', ')}`;
}
