import type { TrainingJobConditionType, TrainingJobReason } from '../../api/conditions.ts';
import type { Condition } from '../../api/status-parts.ts';
import type { Tuning } from '../../api/trainer-protocol.ts';
import type { DecisionRecord, TrainingJobStatus } from '../../api/training-job.ts';
import type { Configuration } from '../../core/configuration.ts';
import { globalBatchSize } from '../../core/configuration.ts';
import { setConditions } from '../../kube/conditions.ts';
import { toInstant } from '../instants.ts';
import type { JobView } from './view.ts';

/** What a reconcile wants done. Every move is idempotent: done twice it changes nothing more. */
export type Move =
  | { readonly type: 'CreateWorkload'; readonly replicas: number }
  /** Writes the tuning file and has the kubelets bring it to the pods at once. */
  | { readonly type: 'WriteTuning'; readonly tuning: Tuning; readonly replicas: number }
  | { readonly type: 'SizeWorkload'; readonly replicas: number; readonly suspend: boolean };

export interface EventDraft {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

const MAX_DECISIONS = 10;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The status to be written and the moves to be made, while they are being worked out. */
export class Draft {
  readonly status: Mutable<TrainingJobStatus>;
  readonly moves: Move[] = [];
  readonly events: EventDraft[] = [];
  requeueAfterSeconds: number | undefined;
  readonly #view: JobView;

  constructor(view: JobView) {
    this.#view = view;
    this.status = { ...structuredClone(view.status), observedGeneration: view.job.metadata.generation ?? 0 };
  }

  move(move: Move): void {
    this.moves.push(move);
  }

  event(type: EventDraft['type'], reason: string, message: string): void {
    this.events.push({ type, reason, message });
  }

  /** Looks again after so many seconds, or earlier when another reason asks for it. */
  lookAgainIn(seconds: number): void {
    this.requeueAfterSeconds = Math.min(this.requeueAfterSeconds ?? Number.POSITIVE_INFINITY, Math.max(1, seconds));
  }

  condition<T extends TrainingJobConditionType>(
    type: T,
    status: Condition['status'],
    reason: TrainingJobReason<T>,
    message: string,
  ): void {
    const observedGeneration = this.#view.job.metadata.generation ?? 0;
    const change = { type, status, reason, message, observedGeneration };
    this.status.conditions = [...setConditions(this.status.conditions, [change], this.#view.now * 1000)];
  }

  /** The workload could not be made: what was told of its making is taken back. */
  refuse(reason: 'PodTemplateRefused' | 'NameTaken', message: string): void {
    this.condition('Accepted', 'False', reason, message.slice(0, 2048));
    this.status.state = 'Refused';
    this.events.length = 0;
    this.event('Warning', reason, message);
  }

  record(decision: Omit<DecisionRecord, 'time'>): void {
    const time = toInstant(this.#view.now);
    this.status.decisions = [...(this.status.decisions ?? []), { time, ...decision }].slice(-MAX_DECISIONS);
  }

  /** Sets fields of the bookkeeping; undefined removes one. */
  keep(fields: { [K in keyof NonNullable<TrainingJobStatus['bookkeeping']>]: unknown }): void {
    const next = { ...this.status.bookkeeping, ...fields } as Record<string, unknown>;
    for (const [name, value] of Object.entries(next)) if (value === undefined) delete next[name];
    this.status.bookkeeping = next as NonNullable<TrainingJobStatus['bookkeeping']>;
  }
}

/** An allocation as the status writes it. */
export function allocationOf(configuration: Configuration) {
  return {
    pool: configuration.pool,
    replicas: configuration.replicas,
    globalBatchSize: globalBatchSize(configuration),
    microBatchSize: configuration.microBatchSize,
    gradientAccumulationSteps: configuration.gradientAccumulationSteps,
  };
}
