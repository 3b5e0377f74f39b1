import type { Clock } from './clock.ts';

export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}

/** Token bucket that hands out reservations in order of arrival. */
export class RateLimiter {
  readonly #limit: RateLimit;
  readonly #clock: Clock;
  #tokens: number;
  #filledAt: number;

  constructor(limit: RateLimit, clock: Clock) {
    if (!(limit.perSecond > 0) || !(limit.burst >= 1)) {
      throw new Error(`rate limit needs perSecond > 0 and burst >= 1, not ${limit.perSecond} and ${limit.burst}`);
    }
    this.#limit = limit;
    this.#clock = clock;
    this.#tokens = limit.burst;
    this.#filledAt = clock.monotonicSeconds();
  }

  /** Takes one token, possibly in advance, and says how many seconds to wait before using it. */
  reserve(): number {
    const now = this.#clock.monotonicSeconds();
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + (now - this.#filledAt) * this.#limit.perSecond) - 1;
    this.#filledAt = now;
    return Math.max(0, -this.#tokens / this.#limit.perSecond);
  }

  /** Gives back a reservation that was not used. */
  release(): void {
    this.#tokens = Math.min(this.#limit.burst, this.#tokens + 1);
  }

  /** Waits for a token and returns the seconds waited; returns early, without a token, when `signal` aborts. */
  async take(signal?: AbortSignal): Promise<number> {
    const seconds = this.reserve();
    if (seconds > 0) await this.#clock.sleep(seconds, signal);
    if (signal?.aborted) this.release();
    return seconds;
  }
}
