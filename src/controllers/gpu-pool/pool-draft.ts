import type { GpuPoolConditionType, GpuPoolReason } from '../../api/conditions.ts';
import type { GpuPool, GpuPoolStatus } from '../../api/gpu-pool.ts';
import type { Condition } from '../../api/status-parts.ts';
import type { InstantSeconds } from '../../core/configuration.ts';
import { setConditions } from '../../kube/conditions.ts';
import type { Demand } from './demand.ts';

/** What is wrong with a pool that is not a matter of numbers; undefined where nothing is. */
export interface PoolProblems {
  /** Another pool that selects a node of this one. */
  readonly overlappingPool: string | undefined;
  /** A ready node with another number of GPUs than the pool says. */
  readonly disagreeingNode: { readonly name: string; readonly gpus: number } | undefined;
}

export interface PoolView {
  readonly now: InstantSeconds;
  readonly pool: GpuPool;
  readonly demand: Demand;
  /** What the scale target asks for now; undefined for a pool that is left to others. */
  readonly asked: number | undefined;
  readonly problems: PoolProblems;
}

export interface PoolDraft {
  readonly status: { -readonly [K in keyof GpuPoolStatus]: GpuPoolStatus[K] };
  /** Nodes to ask for; undefined when nothing is to be changed. */
  setNodes: number | undefined;
  event: { readonly type: 'Normal' | 'Warning'; readonly reason: string; readonly message: string } | undefined;
  requeueAfterSeconds: number | undefined;
}

/** The status as it is, to be worked on. */
export function newPoolDraft(pool: GpuPool): PoolDraft {
  return {
    status: { ...structuredClone(pool.status ?? {}), observedGeneration: pool.metadata.generation ?? 0 },
    setNodes: undefined,
    event: undefined,
    requeueAfterSeconds: undefined,
  };
}

export function setCondition<T extends GpuPoolConditionType>(
  draft: PoolDraft,
  view: Pick<PoolView, 'now' | 'pool'>,
  type: T,
  status: Condition['status'],
  reason: GpuPoolReason<T>,
  message: string,
): void {
  const observedGeneration = view.pool.metadata.generation ?? 0;
  const change = { type, status, reason, message, observedGeneration };
  draft.status.conditions = [...setConditions(draft.status.conditions, [change], view.now * 1000)];
}
