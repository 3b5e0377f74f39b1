import type { TrainingJobStatus } from '../api/training-job.ts';
import { isConditionTrue } from '../kube/conditions.ts';

/** Whether the run is over, well or not: nothing is planned for it, and it needs no nodes. */
export function hasEnded(status: TrainingJobStatus | undefined): boolean {
  return isConditionTrue(status?.conditions, 'Complete') || isConditionTrue(status?.conditions, 'Failed');
}
