import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/**
 * A workload at rest has the size that its workers were told. When someone else changed it, ranks wait for each other
 * for ever, so it is put back. (An HPA on the TrainingJob writes spec.replicas, which Auto does not follow: no fight.)
 */
export function putSizeBack(view: JobView, draft: Draft): void {
  const { workerJob, tunedReplicas } = view;
  const { parallelism, suspend } = workerJob?.spec ?? {};
  if (tunedReplicas === undefined || parallelism === undefined || suspend === true || parallelism === tunedReplicas) {
    draft.condition('ConflictingScaler', 'False', 'None', 'nobody else changes the size of the workload');
    return;
  }
  const message = `the workload was changed from ${tunedReplicas} to ${parallelism} workers by someone else; it is put back, change spec.replicas or spec.elasticity instead`;
  draft.condition('ConflictingScaler', 'True', 'WorkloadChangedByOther', message);
  draft.event('Warning', 'ConflictingScaler', message);
  draft.move({ type: 'SizeWorkload', replicas: tunedReplicas, suspend: false });
}
