import type { JobResult } from '../result.ts';
import { elapsed, isKnown } from './quantities.ts';

export interface JobOutcome {
  readonly late: boolean;
  /** Lateness ÷ (deadline − submission); undefined when not late, or when it has not finished. */
  readonly lateShare: number | undefined;
  /** In a word or two; empty for a job that ended as it should. */
  readonly remark: string;
}

/** How a job ended, measured against its deadline, in a simulation that ended at `end` seconds. */
export function jobOutcome(job: JobResult, end: number): JobOutcome {
  const { refused, startedAt, finishedAt, deadline, submittedAt } = job;
  if (refused) return { late: false, lateShare: undefined, remark: 'refused' };
  const promised = isKnown(deadline) ? deadline : Number.POSITIVE_INFINITY;
  if (!isKnown(finishedAt)) {
    return { late: end > promised, lateShare: undefined, remark: isKnown(startedAt) ? 'not finished' : 'never ran' };
  }
  const late = finishedAt - promised;
  if (late <= 0) return { late: false, lateShare: undefined, remark: '' };
  const given = promised - submittedAt;
  return { late: true, lateShare: given > 0 ? late / given : undefined, remark: `late ${elapsed(late)}` };
}
