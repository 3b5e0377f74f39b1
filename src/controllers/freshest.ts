import { type KubeObject, keyOf } from '../kube/resource.ts';

/** A watch that is further behind than this is not waited for. */
const TRUSTED_SECONDS = 10;

/**
 * Remembers what was just written until the informer has caught up, so that a reconcile does not act on what it knows
 * to be old. Resource versions are compared as numbers.
 */
export class Freshest<T extends KubeObject> {
  readonly #written = new Map<string, { readonly object: T; readonly at: number }>();
  readonly #monotonicSeconds: () => number;

  constructor(monotonicSeconds: () => number) {
    this.#monotonicSeconds = monotonicSeconds;
  }

  remember(object: T): T {
    this.#written.set(keyOf(object), { object, at: this.#monotonicSeconds() });
    return object;
  }

  /** The newer of what the cache holds and what was written a moment ago. */
  of(key: string, cached: T | undefined): T | undefined {
    const written = this.#written.get(key);
    if (written === undefined) return cached;
    const young = this.#monotonicSeconds() - written.at < TRUSTED_SECONDS;
    if (young && (cached === undefined || version(cached) < version(written.object))) return written.object;
    this.#written.delete(key);
    return cached;
  }
}

function version(object: KubeObject): bigint {
  const text = object.metadata.resourceVersion ?? '';
  return /^\d+$/.test(text) ? BigInt(text) : 0n;
}
