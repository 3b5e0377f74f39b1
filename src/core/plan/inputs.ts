import type { Configuration } from '../configuration.ts';
import type { JobPrior } from '../estimate/job-prior.ts';
import type { HeldByUser, JobLimits, JobSnapshot, PoolSnapshot } from '../snapshot.ts';

/** Everything, beside the evidence, that the judgement of a job depends on. */
export interface Inputs {
  readonly limits: JobLimits;
  readonly held: HeldByUser;
  readonly priors: readonly JobPrior[] | undefined;
  readonly current: Configuration;
  readonly restartSeconds: number | undefined;
  readonly microBatchSizeCeiling: number | undefined;
  readonly globalBatchSizeCeiling: number | undefined;
  readonly pools: readonly PoolSnapshot[];
}

export function inputsOf({ limits, held, priors, history }: JobSnapshot, pools: readonly PoolSnapshot[]): Inputs {
  const { current, restartSeconds, microBatchSizeCeiling, globalBatchSizeCeiling } = history;
  return { limits, held, priors, current, restartSeconds, microBatchSizeCeiling, globalBatchSizeCeiling, pools };
}

/** Whether two inputs say the same: they are plain data without cycles. */
export function equalInputs(one: Inputs, other: Inputs): boolean {
  return sameData(one, other);
}

/** Whether two pieces of plain data without cycles say the same. */
export function sameData(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false;
  const left = one as Readonly<Record<string, unknown>>;
  const right = other as Readonly<Record<string, unknown>>;
  let fields = 0;
  for (const field in left) {
    if (!sameData(left[field], right[field])) return false;
    fields++;
  }
  for (const _ in right) fields--;
  return fields === 0;
}
