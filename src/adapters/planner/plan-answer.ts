import type { FleetPlan } from '../../core/plan-fleet.ts';
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
