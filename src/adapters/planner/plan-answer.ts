import type { Estimate, EstimateFigures } from '../../core/estimate/estimate.ts';
import type { FleetPlan, JobDecision } from '../../core/plan-fleet.ts';
import type { SnapshotMessage } from './snapshot-transfer.ts';

export interface PlanRequest {
  readonly number: number;
  readonly snapshot: SnapshotMessage;
}

/** The answer to the request of the same number. */
export interface PlanAnswer {
  readonly number: number;
  readonly plan?: FleetPlan;
  readonly problem?: string;
}

/** Without the possible worlds, which are most of the bytes and of which nobody outside the core asks. */
export function withoutWorlds(plan: FleetPlan): FleetPlan {
  return { ...plan, decisions: plan.decisions.map(decisionWithoutWorlds) };
}

function decisionWithoutWorlds(decision: JobDecision): JobDecision {
  if (decision.estimate === undefined) return decision;
  const { worlds: _worlds, middle: _middle, ...figures }: Partial<Estimate> & EstimateFigures = decision.estimate;
  return { ...decision, estimate: figures };
}
