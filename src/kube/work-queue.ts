// Keys waiting for work: each at most once, each worked on by one worker at a time.
import { openAbortScope } from './abort-scope.ts';
import { type BackoffOptions, backoffSeconds } from './backoff.ts';
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
import { type KubeMetrics, noMetrics } from './kube-metrics.ts';
import { type RateLimit, RateLimiter } from './rate-limiter.ts';

export interface WorkQueueOptions {
  readonly name: string;
  /** Per key after failures; default 0.5 s doubling to 5 min. */
  readonly backoff?: BackoffOptions;
  /** Over all keys that failed; default 10 per second, burst 100. */
  readonly retryLimit?: RateLimit;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly metrics?: KubeMetrics;
}

interface Delayed {
  readonly dueAt: number;
  cancel(): void;
}

export class WorkQueue {
  readonly #name: string;
  readonly #backoff: BackoffOptions;
  readonly #retryLimiter: RateLimiter;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #metrics: KubeMetrics;
  /** In order of arrival; the value is when the key became ready, in monotonic seconds. */
  readonly #ready = new Map<string, number>();
  /** Value: when the work began. */
  readonly #inWork = new Map<string, number>();
  /** Added while in work: ready again once done. */
  readonly #again = new Set<string>();
  readonly #delayed = new Map<string, Delayed>();
  readonly #failures = new Map<string, number>();
  readonly #waiting: Array<(key: string | undefined) => void> = [];
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#name = options.name;
    this.#backoff = options.backoff ?? { baseSeconds: 0.5, maxSeconds: 300 };
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#metrics = options.metrics ?? noMetrics;
    this.#retryLimiter = new RateLimiter(options.retryLimit ?? { perSecond: 10, burst: 100 }, this.#clock);
  }

  /** Keys ready, not counting delayed ones nor those in work. */
  get depth(): number {
    return this.#ready.size;
  }

  /** Makes the key ready; a key in work is worked on once more afterwards. Ignored once closed. */
  add(key: string): void {
    if (this.#closed || this.#ready.has(key) || this.#again.has(key)) return;
    this.#metrics.queueAdded({ queue: this.#name });
    if (this.#inWork.has(key)) this.#again.add(key);
    else this.#makeReady(key);
  }

  /** Makes the key ready after `seconds`. Of several delays for one key the earliest wins. */
  addAfter(key: string, seconds: number): void {
    if (this.#closed) return;
    if (!(seconds > 0)) {
      this.add(key);
      return;
    }
    const dueAt = this.#clock.monotonicSeconds() + seconds;
    const earlier = this.#delayed.get(key);
    if (earlier !== undefined && earlier.dueAt <= dueAt) return;
    earlier?.cancel();
    const scope = openAbortScope();
    const delayed: Delayed = { dueAt, cancel: () => scope.abort('replaced') };
    this.#delayed.set(key, delayed);
    void this.#clock.sleep(seconds, scope.signal).then(() => {
      if (this.#delayed.get(key) !== delayed) return;
      this.#delayed.delete(key);
      this.add(key);
    });
  }

  /** Makes the key ready after its backoff, which doubles with every call until `forget`. Returns the delay. */
  addWithBackoff(key: string): number {
    const failures = (this.#failures.get(key) ?? 0) + 1;
    this.#failures.set(key, failures);
    this.#metrics.queueRetried({ queue: this.#name });
    const delay = Math.max(backoffSeconds(failures, this.#backoff, this.#random), this.#retryLimiter.reserve());
    this.addAfter(key, delay);
    return delay;
  }

  /** Ends the key's backoff, after a success or when it is given up. */
  forget(key: string): void {
    this.#failures.delete(key);
  }

  failuresOf(key: string): number {
    return this.#failures.get(key) ?? 0;
  }

  /** The next ready key, which the caller must hand to `done`; undefined once the queue is closed and empty. */
  take(): Promise<string | undefined> {
    const first = this.#ready.keys().next();
    if (!first.done) return Promise.resolve(this.#begin(first.value));
    if (this.#closed) return Promise.resolve(undefined);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  done(key: string): void {
    const begunAt = this.#inWork.get(key);
    if (begunAt === undefined) return;
    this.#inWork.delete(key);
    this.#metrics.workDuration({ queue: this.#name, seconds: this.#clock.monotonicSeconds() - begunAt });
    if (this.#again.delete(key)) this.#makeReady(key);
  }

  /** Takes no more keys, drops the delayed ones. With `discard`, the ready ones too. */
  close({ discard = false }: { discard?: boolean } = {}): void {
    this.#closed = true;
    for (const delayed of this.#delayed.values()) delayed.cancel();
    this.#delayed.clear();
    if (discard) {
      this.#ready.clear();
      this.#again.clear();
      this.#metrics.queueDepth({ queue: this.#name, depth: 0 });
    }
    for (const resolve of this.#waiting.splice(0)) resolve(undefined);
  }

  #makeReady(key: string): void {
    this.#ready.set(key, this.#clock.monotonicSeconds());
    const worker = this.#waiting.shift();
    if (worker !== undefined) worker(this.#begin(key));
    else this.#metrics.queueDepth({ queue: this.#name, depth: this.#ready.size });
  }

  #begin(key: string): string {
    const now = this.#clock.monotonicSeconds();
    this.#metrics.queueLatency({ queue: this.#name, seconds: now - (this.#ready.get(key) ?? now) });
    this.#ready.delete(key);
    this.#inWork.set(key, now);
    this.#metrics.queueDepth({ queue: this.#name, depth: this.#ready.size });
    return key;
  }
}
