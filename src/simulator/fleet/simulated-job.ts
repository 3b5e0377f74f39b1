import type { Grant } from '../cluster/cluster.ts';
import type { ArrivingJob } from '../traces/arriving-job.ts';
import type { Layout, TrainingRun } from '../world/training-run.ts';

export type JobState = 'Waiting' | 'Restarting' | 'Running' | 'Paused' | 'Ended';

/** What a job is to run on, and how. One rank on each GPU. */
export interface Target {
  readonly pool: string;
  readonly gpus: number;
  readonly globalBatchSize: number;
  readonly microBatchSize: number;
  readonly gradientAccumulationSteps: number;
}

/** A change that was begun and takes effect later. */
export type PendingChange =
  | { readonly at: number; readonly what: 'Reload' }
  | { readonly at: number; readonly what: 'NodesReady'; readonly grant: Grant }
  | { readonly at: number; readonly what: 'RestartDone' };

/** One job of the fleet: its training, what it holds, and what was done with it. Instants: seconds since the start. */
export class SimulatedJob {
  readonly arriving: ArrivingJob;
  readonly run: TrainingRun;
  state: JobState = 'Waiting';
  /** What it holds; while it waits for nodes, what it still runs on. */
  grant: Grant | undefined;
  /** The newest one asked for; a job without has never been started, or was paused. */
  target: Target | undefined;
  /** Counts the targets: what the trainer tells as its configuration. */
  version = 0;
  readonly targets = new Map<number, Target>();
  pending: PendingChange | undefined;
  startedAt: number | undefined;
  finishedAt: number | undefined;
  refused = false;
  reloadedAt: number | undefined;
  readonly resizedAt: number[] = [];
  batchChanges = 0;
  rescales = 0;
  interruptions = 0;

  constructor(arriving: ArrivingJob, run: TrainingRun) {
    this.arriving = arriving;
    this.run = run;
  }

  get name(): string {
    return this.arriving.name;
  }

  get gpus(): number {
    return this.grant?.parts.reduce((sum, part) => sum + part.gpus, 0) ?? 0;
  }

  setTarget(target: Target): void {
    this.version += 1;
    this.target = target;
    this.targets.set(this.version, target);
  }
}

/** The target on the GPUs that were granted for it. */
export function layoutOn(grant: Grant, target: Target): Layout {
  return {
    placement: grant.parts.map((part) => part.gpus).sort((one, other) => one - other),
    microBatchSize: target.microBatchSize,
    gradientAccumulationSteps: target.gradientAccumulationSteps,
    globalBatchSize: target.globalBatchSize,
  };
}
