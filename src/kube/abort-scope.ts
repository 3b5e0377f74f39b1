/**
 * An AbortController that follows its parents and lets go of them on `close`. AbortSignal.any would
 * keep one entry per call on a parent that lives as long as the process.
 */
export interface AbortScope {
  readonly signal: AbortSignal;
  abort(reason: unknown): void;
  close(): void;
}

export function openAbortScope(...parents: ReadonlyArray<AbortSignal | undefined>): AbortScope {
  const controller = new AbortController();
  const followed = parents.filter((parent) => parent !== undefined);
  const follow = (event: Event) => controller.abort((event.target as AbortSignal).reason);
  for (const parent of followed) {
    if (parent.aborted) controller.abort(parent.reason);
    else parent.addEventListener('abort', follow, { once: true });
  }
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    close: () => {
      for (const parent of followed) parent.removeEventListener('abort', follow);
    },
  };
}
