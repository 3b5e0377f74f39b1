import type { Clock } from '../../src/kube/clock.ts';

interface Sleeper {
  readonly dueAt: number;
  readonly wake: () => void;
}

const MAX_WAKES = 5000;

/** A clock that moves only when told to, waking sleepers in order. */
export class VirtualClock implements Clock {
  #seconds = 1000;
  #sleepers: Sleeper[] = [];

  now(): number {
    return Date.UTC(2026, 0, 1) + this.#seconds * 1000;
  }

  monotonicSeconds(): number {
    return this.#seconds;
  }

  get sleepers(): number {
    return this.#sleepers.length;
  }

  sleep(seconds: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const sleeper: Sleeper = {
        dueAt: this.#seconds + Math.max(0, seconds),
        wake: () => {
          this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
          signal?.removeEventListener('abort', sleeper.wake);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', sleeper.wake, { once: true });
    });
  }

  /** Moves on by `seconds`, stopping at every sleeper on the way and letting its consequences run. */
  async advance(seconds: number): Promise<void> {
    const until = this.#seconds + seconds;
    await settle();
    for (let wakes = 0; ; wakes++) {
      if (wakes > MAX_WAKES) throw new Error(`a hot loop: more than ${MAX_WAKES} sleeps ended within ${seconds} s`);
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, sleeper) => (first === undefined || sleeper.dueAt < first.dueAt ? sleeper : first),
        undefined,
      );
      if (next === undefined || next.dueAt > until) break;
      this.#seconds = Math.max(this.#seconds, next.dueAt);
      next.wake();
      await settle();
    }
    this.#seconds = until;
  }
}

/** Lets everything run that waits for nothing but other promises. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn++) await new Promise((resolve) => setImmediate(resolve));
}
