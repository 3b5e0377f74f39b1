import type { FleetPlan } from '../core/plan-fleet.ts';
import type { Snapshot } from '../core/snapshot.ts';

/** Why there is no plan: it took too long, whoever computes it ended, or the computation itself failed. */
export type PlannerProblem = 'TimedOut' | 'Died' | 'Failed';

export class PlannerError extends Error {
  override readonly name = 'PlannerError';
  readonly problem: PlannerProblem;

  constructor(problem: PlannerProblem, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
  }
}

/** Who computes the plan of a fleet. */
export interface Planner {
  /**
   * The plan of the core for this snapshot, wherever it is computed. Throws PlannerError when there is none; the next
   * call starts afresh. One call at a time: a second while one is under way throws.
   */
  plan(snapshot: Snapshot): Promise<FleetPlan>;
}
