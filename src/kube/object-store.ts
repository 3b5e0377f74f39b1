// The informer's memory: frozen objects by key, with indexes, and what each write changed.
import { type KubeObject, keyOf } from './resource.ts';

export type ObjectChange<T> =
  | { readonly type: 'added'; readonly object: T }
  /** On a periodic resync `object` and `old` are the same. */
  | { readonly type: 'updated'; readonly object: T; readonly old: T }
  /** `object` is the last state known. */
  | { readonly type: 'deleted'; readonly object: T };

/** The values under which an object is found by `byIndex`. */
export type IndexFunction<T> = (object: T) => Iterable<string>;

export class ObjectStore<T extends KubeObject> {
  readonly #objects = new Map<string, T>();
  readonly #indexes: ReadonlyArray<{ name: string; valuesOf: IndexFunction<T>; keys: Map<string, Set<string>> }>;

  constructor(indexes: Readonly<Record<string, IndexFunction<T>>> = {}) {
    this.#indexes = Object.entries(indexes).map(([name, valuesOf]) => ({ name, valuesOf, keys: new Map() }));
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(): T[] {
    return [...this.#objects.values()];
  }

  /** @throws Error on an index that was not declared */
  byIndex(name: string, value: string): T[] {
    const index = this.#indexes.find((candidate) => candidate.name === name);
    if (index === undefined) throw new Error(`no index "${name}": declare it in the informer's indexes`);
    const keys = index.keys.get(value) ?? [];
    return [...keys].map((key) => this.#objects.get(key)).filter((object) => object !== undefined);
  }

  /** Takes the object in. An object of the same name but another uid was deleted and made anew in between. */
  put(object: T): ObjectChange<T>[] {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    if (old !== undefined && isSameVersion(old, object)) return [];
    const recreated = old !== undefined && old.metadata.uid !== object.metadata.uid;
    const frozen = deepFreeze(object);
    if (old !== undefined) this.#unindex(key, old);
    this.#objects.set(key, frozen);
    this.#index(key, frozen);
    if (old === undefined) return [{ type: 'added', object: frozen }];
    if (!recreated) return [{ type: 'updated', object: frozen, old }];
    return [
      { type: 'deleted', object: old },
      { type: 'added', object: frozen },
    ];
  }

  /** Forgets the object; `last` is its final state where the server told it. */
  remove(key: string, last?: T): ObjectChange<T>[] {
    const old = this.#objects.get(key);
    if (old === undefined) return [];
    this.#unindex(key, old);
    this.#objects.delete(key);
    return [{ type: 'deleted', object: last === undefined ? old : deepFreeze(last) }];
  }

  /** Makes the store equal to a full list: deletions that were missed first, then the rest. */
  replace(objects: readonly T[]): ObjectChange<T>[] {
    const present = new Set(objects.map(keyOf));
    const missed = [...this.#objects.keys()].filter((key) => !present.has(key));
    return [...missed.flatMap((key) => this.remove(key)), ...objects.flatMap((object) => this.put(object))];
  }

  #index(key: string, object: T): void {
    for (const { valuesOf, keys } of this.#indexes) {
      for (const value of valuesOf(object)) {
        const set = keys.get(value) ?? new Set();
        keys.set(value, set.add(key));
      }
    }
  }

  #unindex(key: string, object: T): void {
    for (const { valuesOf, keys } of this.#indexes) {
      for (const value of valuesOf(object)) {
        const set = keys.get(value);
        set?.delete(key);
        if (set?.size === 0) keys.delete(value);
      }
    }
  }
}

function isSameVersion(one: KubeObject, other: KubeObject): boolean {
  const { resourceVersion, uid } = one.metadata;
  return (
    resourceVersion !== undefined && resourceVersion === other.metadata.resourceVersion && uid === other.metadata.uid
  );
}

/** Shared by every reader: a write by mistake must fail at once and not corrupt the cache. */
function deepFreeze<T>(root: T): T {
  const pending: unknown[] = [root];
  while (pending.length > 0) {
    const value = pending.pop();
    if (typeof value !== 'object' || value === null || Object.isFrozen(value)) continue;
    Object.freeze(value);
    pending.push(...Object.values(value));
  }
  return root;
}
