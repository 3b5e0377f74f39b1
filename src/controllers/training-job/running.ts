import type { Draft } from './draft.ts';
import type { JobView } from './view.ts';

/** Tells what the workers are doing: their number, whether they train, and the one word for people. */
export function describeWorkers(view: JobView, draft: Draft): void {
  const { limits, livePods, readyPods, workerJob } = view;
  const { status } = draft;
  const wanted = status.replicas ?? 0;
  status.readyReplicas = readyPods;
  status.workers = `${readyPods}/${wanted}`;
  status.gpus = livePods.length * limits.gpusPerReplica;
  status.selector = `stepwise.dev/training-job=${view.job.metadata.name}`;
  status.restarts = workerJob?.status?.failed ?? status.restarts ?? 0;

  describeCapacity(view, draft);
  describeRunning(view, draft);
  if (status.conditions?.every(({ type }) => type !== 'Complete')) {
    draft.condition('Complete', 'False', 'NotFinished', 'the work is not done');
    draft.condition('Failed', 'False', 'NotFailed', 'the run has not failed');
  }
  if (status.resize === undefined && status.conditions?.every(({ type }) => type !== 'Rescaling')) {
    draft.condition('Rescaling', 'False', 'NotRescaling', 'nothing is being changed');
  }
}

function describeCapacity(view: JobView, draft: Draft): void {
  const wanted = draft.status.replicas ?? 0;
  if (wanted === 0) {
    draft.condition('CapacityReady', 'Unknown', 'NotNeeded', 'no workers are wanted');
  } else if (view.livePods.length >= wanted && view.unscheduledPods === 0) {
    draft.condition('CapacityReady', 'True', 'CapacityReady', `${wanted} workers have their place`);
  } else if (view.unscheduledPods > 0) {
    const message = `${view.unscheduledPods} of ${wanted} workers wait for a place on pool ${draft.status.pool ?? ''}`;
    draft.condition('CapacityReady', 'False', 'PodsUnschedulable', message);
  }
}

function describeRunning(view: JobView, draft: Draft): void {
  const { status } = draft;
  const wanted = status.replicas ?? 0;
  const steps = view.reading?.steps;
  if (status.resize !== undefined) {
    status.state = 'Resizing';
    draft.condition(
      'Running',
      'False',
      'Rescaling',
      `${status.resize.from.replicas}→${status.resize.to.replicas} workers`,
    );
  } else if (wanted === 0 && status.pause !== undefined && view.job.spec.suspend !== true) {
    status.state = 'Paused';
    draft.condition('Running', 'False', 'Paused', status.pause.message);
  } else if (wanted === 0) {
    status.state = 'Suspended';
    draft.condition('Running', 'False', 'Suspended', 'the job is suspended');
  } else if (view.readyPods < wanted) {
    status.state = view.livePods.length === 0 ? 'Pending' : 'Starting';
    draft.condition('Running', 'False', 'WorkersNotReady', `${view.readyPods} of ${wanted} workers are ready`);
  } else if (steps === undefined || steps === 0) {
    status.state = 'Starting';
    draft.condition('Running', 'False', 'Starting', 'no optimizer step has been seen yet');
  } else {
    status.state = 'Running';
    draft.condition('Running', 'True', 'Training', 'steps are being made');
  }
}
