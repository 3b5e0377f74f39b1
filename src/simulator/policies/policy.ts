import type { Cluster } from '../cluster/cluster.ts';
import type { Order } from '../fleet/carry-out.ts';
import type { SimulatedJob } from '../fleet/simulated-job.ts';
import type { Prediction } from '../result.ts';

/** The fleet as it is. Peers may look behind it at the truth (`arriving.world`); the operator's policy does not. */
export interface Fleet {
  /** Seconds since the start. */
  readonly now: number;
  /** Those that came and have not ended, in the order in which they came. */
  readonly jobs: readonly SimulatedJob[];
  readonly cluster: Cluster;
}

export interface PolicyDecision {
  readonly orders: readonly Order[];
  /** Proven distance to the lower bound, as a share, where the policy proves one. */
  readonly gap?: number | undefined;
  readonly predictions?: readonly { readonly job: string; readonly prediction: Prediction }[];
}

export interface Policy {
  readonly name: string;
  /** Called at every planning interval, and at once when a job came or ended. */
  decide(fleet: Fleet): PolicyDecision | Promise<PolicyDecision>;
}
