import { type FleetPlan, planFleet } from '../../core/plan-fleet.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { type Planner, PlannerError } from '../../ports/planner.ts';

/** Plans where it is called, for tests and for programs that do nothing else meanwhile. */
export class InProcessPlanner implements Planner {
  async plan(snapshot: Snapshot): Promise<FleetPlan> {
    try {
      return planFleet(snapshot);
    } catch (error) {
      throw new PlannerError('Failed', `the plan could not be computed: ${String(error)}`, { cause: error });
    }
  }
}
