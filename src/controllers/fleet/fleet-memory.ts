import type { JobAccount } from '../../core/account/job-account.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import type { Evidence } from '../../core/estimate/evidence.ts';
import type { JobDecision } from '../../core/plan-fleet.ts';

/** What the planning cycle last found out about one job. */
export interface JobFindings {
  /** Of the TrainingJob: one that was deleted and made anew has nothing to do with the one before. */
  readonly uid: string | undefined;
  readonly evidence: Evidence;
  readonly decision: JobDecision | undefined;
  /** When the decision was made. */
  readonly decidedAt: InstantSeconds | undefined;
  readonly account: JobAccount;
}

/**
 * The hand-over from the planning cycle to the reconcilers. A cache: the status of each job holds what is needed to
 * fill it again after a restart.
 */
export class FleetMemory {
  readonly #jobs = new Map<string, JobFindings>();
  #metricsProblem: string | undefined;

  get(key: string, uid: string | undefined): JobFindings | undefined {
    const findings = this.#jobs.get(key);
    return findings?.uid === uid ? findings : undefined;
  }

  set(key: string, findings: JobFindings): void {
    this.#jobs.set(key, findings);
  }

  /** Forgets jobs that no longer exist. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#jobs.keys()) if (!keys.has(key)) this.#jobs.delete(key);
  }

  /** Why the metrics source did not answer at the last cycle; undefined when it did. */
  get metricsProblem(): string | undefined {
    return this.#metricsProblem;
  }

  set metricsProblem(problem: string | undefined) {
    this.#metricsProblem = problem;
  }
}
