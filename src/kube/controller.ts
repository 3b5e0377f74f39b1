// Queue, workers and a reconcile function. The reconciler is the function of a key; this runs it.
import { openAbortScope } from './abort-scope.ts';
import { type Clock, type Random, systemClock } from './clock.ts';
import type { Informer, ObjectChange } from './informer.ts';
import { isConflict } from './kube-error.ts';
import { type KubeLog, type KubeMetrics, noLog, noMetrics, type ReconcileOutcome } from './kube-metrics.ts';
import { type KubeObject, keyOf } from './resource.ts';
import { WorkQueue, type WorkQueueOptions } from './work-queue.ts';

/** A failure that trying again cannot mend: the key is dropped until something changes. */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
}

export interface ReconcileResult {
  readonly requeueAfterSeconds?: number | undefined;
}

// biome-ignore lint/suspicious/noConfusingVoidType: a reconciler that returns nothing has nothing to say
export type Reconcile = (key: string, signal: AbortSignal) => Promise<ReconcileResult | void>;

export interface ControllerOptions extends Omit<WorkQueueOptions, 'name'> {
  readonly name: string;
  readonly reconcile: Reconcile;
  /** Keys worked on at once, default 1. */
  readonly workers?: number;
  /** A reconcile's signal aborts after this; default 120. */
  readonly reconcileTimeoutSeconds?: number;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly metrics?: KubeMetrics;
  readonly log?: KubeLog;
}

export class Controller {
  readonly name: string;
  readonly #options: ControllerOptions;
  readonly #clock: Clock;
  readonly #metrics: KubeMetrics;
  readonly #log: KubeLog;
  readonly #queue: WorkQueue;
  readonly #informers: Array<{ readonly synced: Promise<void> }> = [];

  constructor(options: ControllerOptions) {
    this.name = options.name;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#metrics = options.metrics ?? noMetrics;
    this.#log = options.log ?? noLog;
    this.#queue = new WorkQueue(options);
  }

  /** Reconciles the keys that each change concerns; by default the changed object's own. */
  watch<T extends KubeObject>(
    informer: Informer<T>,
    keysFor: (change: ObjectChange<T>) => Iterable<string> = (change) => [keyOf(change.object)],
  ): this {
    this.#informers.push(informer);
    informer.onChange((change) => {
      for (const key of keysFor(change)) this.#queue.add(key);
    });
    return this;
  }

  enqueue(key: string): void {
    this.#queue.add(key);
  }

  enqueueAfter(key: string, seconds: number): void {
    this.#queue.addAfter(key, seconds);
  }

  get depth(): number {
    return this.#queue.depth;
  }

  /**
   * Works until `stop` aborts, then finishes what is in work and returns. `abort` (lost leadership, end of the grace
   * period) aborts the reconciles in work too. Waits for the watched informers first; rejects when one was stopped
   * before its first list while this goes on. Runs once.
   */
  async run(stop: AbortSignal, abort?: AbortSignal): Promise<void> {
    const ended = openAbortScope(stop, abort);
    const close = () => this.#queue.close({ discard: true });
    ended.signal.addEventListener('abort', close, { once: true });
    if (ended.signal.aborted) close();
    try {
      await Promise.race([Promise.all(this.#informers.map(({ synced }) => synced)), aborted(ended.signal)]).catch(
        (error) => {
          if (!ended.signal.aborted) throw error;
        },
      );
      const workers = Array.from({ length: this.#options.workers ?? 1 }, () => this.#work(abort));
      await Promise.all(workers);
    } finally {
      close();
      ended.close();
    }
  }

  async #work(abort: AbortSignal | undefined): Promise<void> {
    for (;;) {
      const key = await this.#queue.take();
      if (key === undefined) return;
      try {
        await this.#reconcileOnce(key, abort);
      } finally {
        this.#queue.done(key);
      }
    }
  }

  async #reconcileOnce(key: string, abort: AbortSignal | undefined): Promise<void> {
    const startedAt = this.#clock.monotonicSeconds();
    const scope = openAbortScope(abort);
    const timeoutSeconds = this.#options.reconcileTimeoutSeconds ?? 120;
    void this.#clock.sleep(timeoutSeconds, scope.signal).then(() => {
      if (!scope.signal.aborted) scope.abort(new Error(`reconcile took longer than ${timeoutSeconds} s`));
    });
    let outcome: ReconcileOutcome;
    try {
      outcome = this.#conclude(key, await this.#options.reconcile(key, scope.signal));
    } catch (error) {
      outcome = abort?.aborted ? 'aborted' : this.#retry(key, error);
    } finally {
      scope.abort('finished');
      scope.close();
    }
    const seconds = this.#clock.monotonicSeconds() - startedAt;
    this.#metrics.reconciled({ controller: this.name, result: outcome, seconds });
  }

  // biome-ignore lint/suspicious/noConfusingVoidType: as in Reconcile
  #conclude(key: string, result: ReconcileResult | void): ReconcileOutcome {
    this.#queue.forget(key);
    if (result?.requeueAfterSeconds === undefined) return 'success';
    this.#queue.addAfter(key, result.requeueAfterSeconds);
    return 'requeueAfter';
  }

  #retry(key: string, error: unknown): ReconcileOutcome {
    if (error instanceof TerminalError) {
      this.#queue.forget(key);
      this.#log.error('reconcile failed for good', { controller: this.name, key, error });
      return 'terminal';
    }
    const retryInSeconds = this.#queue.addWithBackoff(key);
    // Someone else wrote first: reading again is the normal course, not news.
    if (isConflict(error)) return 'conflict';
    const panic = isPanic(error);
    this.#log.error(panic ? 'reconcile failed on a bug' : 'reconcile failed', {
      controller: this.name,
      key,
      failures: this.#queue.failuresOf(key),
      retryInSeconds,
      error,
    });
    return panic ? 'panic' : 'error';
  }
}

/** Failures of the program rather than of what it works with. */
function isPanic(error: unknown): boolean {
  const bugs = [TypeError, ReferenceError, RangeError, SyntaxError];
  return !(error instanceof Error) || bugs.some((bug) => error instanceof bug);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
