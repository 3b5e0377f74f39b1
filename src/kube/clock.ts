// Time and chance as seen by this folder: injected, so that tests run hours of backoff in milliseconds.
import { setTimeout as delay } from 'node:timers/promises';

export interface Clock {
  /** Milliseconds since the epoch. For timestamps only: it may jump. */
  now(): number;
  /** Seconds on a clock that only moves forward. For every duration and deadline. */
  monotonicSeconds(): number;
  /** Resolves after `seconds`, or at once when `signal` aborts. Never rejects: the caller looks at its signal. */
  sleep(seconds: number, signal?: AbortSignal): Promise<void>;
}

/** A number in [0, 1). */
export type Random = () => number;

// Node's timers take at most 2^31 - 1 ms and fire at once beyond it.
const LONGEST_TIMER_SECONDS = 2_147_483;

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicSeconds: () => performance.now() / 1000,
  async sleep(seconds, signal) {
    const milliseconds = Math.max(0, Math.min(seconds, LONGEST_TIMER_SECONDS)) * 1000;
    try {
      await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  },
};

export const systemRandom: Random = () => Math.random();
