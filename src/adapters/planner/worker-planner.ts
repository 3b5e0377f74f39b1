import { Worker } from 'node:worker_threads';
import type { FleetPlan } from '../../core/plan-fleet.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import { type Planner, PlannerError } from '../../ports/planner.ts';
import type { PlanAnswer, PlanRequest } from './plan-answer.ts';
import { SnapshotSender } from './snapshot-transfer.ts';

/** The program of the thread: beside this file in the sources, beside the operator where it is bundled. */
const PROGRAM = new URL(
  import.meta.url.endsWith('.ts') ? './planner-worker.ts' : './planner-worker.js',
  import.meta.url,
);

export interface WorkerPlannerOptions {
  /** A plan that takes longer is given up, and the thread with it. */
  readonly timeoutSeconds: number;
  /** Another program for the thread. */
  readonly program?: URL;
}

/** What a plan under way waits for. */
interface Waiting {
  readonly number: number;
  readonly resolve: (answer: PlanAnswer) => void;
  readonly reject: (error: PlannerError) => void;
}

/**
 * Plans in a thread of its own, so that a large fleet's plan delays no watch and no lease. A thread that dies or hangs
 * is replaced at the next plan; it has to judge all jobs anew then, and answers the same.
 */
export class WorkerPlanner implements Planner {
  readonly #options: WorkerPlannerOptions;
  #worker: Worker | undefined;
  /** Knows what the thread of this moment has been sent. */
  #sender = new SnapshotSender();
  #waiting: Waiting | undefined;
  #number = 0;

  constructor(options: WorkerPlannerOptions) {
    this.#options = options;
  }

  async plan(snapshot: Snapshot): Promise<FleetPlan> {
    if (this.#waiting !== undefined) throw new PlannerError('Failed', 'a plan is under way already');
    try {
      const { plan, problem } = await this.#ask(snapshot);
      if (plan === undefined) throw new PlannerError('Failed', `the plan could not be computed: ${problem}`);
      return plan;
    } catch (error) {
      // Whatever it was: what the thread holds now is not known, so the next plan begins with a new one.
      await this.close();
      throw error;
    }
  }

  /** Ends the thread; a plan under way is given up. */
  async close(): Promise<void> {
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  async #ask(snapshot: Snapshot): Promise<PlanAnswer> {
    const { timeoutSeconds } = this.#options;
    const number = ++this.#number;
    let late: NodeJS.Timeout | undefined;
    try {
      return await new Promise<PlanAnswer>((resolve, reject) => {
        this.#waiting = { number, resolve, reject };
        late = setTimeout(() => {
          reject(new PlannerError('TimedOut', `no plan within ${timeoutSeconds} s; the planning thread is replaced`));
        }, timeoutSeconds * 1000);
        const worker = this.#alive();
        worker.postMessage({ number, snapshot: this.#sender.messageFor(snapshot) } satisfies PlanRequest);
      });
    } finally {
      clearTimeout(late);
      this.#waiting = undefined;
    }
  }

  #alive(): Worker {
    if (this.#worker !== undefined) return this.#worker;
    const worker = new Worker(this.#options.program ?? PROGRAM);
    this.#worker = worker;
    this.#sender = new SnapshotSender();
    // Heard for the whole life of the thread: one that ends while nobody waits is just replaced at the next plan.
    const ended = (why: string, cause?: unknown) => {
      if (this.#worker !== worker && this.#worker !== undefined) return;
      this.#worker = undefined;
      this.#waiting?.reject(new PlannerError('Died', `the planning thread ended: ${why}`, { cause }));
    };
    worker
      .on('message', (answer: PlanAnswer) => {
        if (answer.number === this.#waiting?.number) this.#waiting.resolve(answer);
      })
      .on('error', (error) => ended(error instanceof Error ? error.message : String(error), error))
      .on('messageerror', (error) => ended(error.message, error))
      .on('exit', (code) => ended(`exit code ${code}`));
    // An idle thread must not keep the process from ending.
    worker.unref();
    return worker;
  }
}
