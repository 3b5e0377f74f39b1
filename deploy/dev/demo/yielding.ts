// Which job gave GPUs up for another one, read from what the operator has written down.

import type { TrainingJobObject } from '../../../src/controllers/kinds.ts';

type Decision = NonNullable<NonNullable<TrainingJobObject['status']>['decisions']>[number];

export interface Yield {
  /** Workers before and after; every worker of the demo has one GPU. */
  readonly from: number;
  readonly to: number;
  /** Jobs with a deadline that grew on the same pool afterwards. */
  readonly receivers: readonly string[];
}

/** Undefined for a job that kept what it had. */
export function yieldOf(job: TrainingJobObject, all: readonly TrainingJobObject[]): Yield | undefined {
  const given = resizesOf(job).find(({ reason }) => reason === 'YieldsToOthers');
  if (given === undefined) return undefined;
  const pool = poolOf(job);
  const receivers = all.filter(
    (other) =>
      other !== job &&
      poolOf(other) === pool &&
      other.spec.objective.deadline !== undefined &&
      resizesOf(other).some((each) => each.time >= given.time && workers(each.to) > workers(each.from)),
  );
  return {
    from: workers(given.from),
    to: workers(given.to),
    receivers: receivers.map(({ metadata }) => metadata.name),
  };
}

function resizesOf(job: TrainingJobObject): readonly Decision[] {
  return (job.status?.decisions ?? []).filter(({ action }) => action === 'Resize');
}

function workers(allocation: Decision['from']): number {
  return allocation?.replicas ?? Number.NaN;
}

function poolOf(job: TrainingJobObject): string | undefined {
  return job.spec.capacity.pools[0]?.name;
}
