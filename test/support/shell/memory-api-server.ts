// The API server as the operator's shell uses it, in memory: versions, ownership of the status, conflicts, history.
import { KubeError } from '../../../src/kube/kube-error.ts';
import { type KubeObject, keyOf, type Resource } from '../../../src/kube/resource.ts';

export interface Change {
  readonly version: number;
  readonly plural: string;
  readonly key: string;
  /** Undefined when it was deleted. */
  readonly object: KubeObject | undefined;
  readonly last: KubeObject;
}

type Stored = KubeObject & { spec?: unknown; status?: unknown };

/** Called before each write is stored; throws when the operator did what it must never do. */
export type WriteCheck = (write: { plural: string; before: Stored | undefined; after: Stored }) => void;

export class MemoryApiServer {
  readonly history: Change[] = [];
  onWrite: WriteCheck = () => undefined;
  readonly #objects = new Map<string, Map<string, Stored>>();
  #version = 100;
  #uids = 0;

  list<T extends KubeObject>(plural: string): T[] {
    return [...(this.#objects.get(plural)?.values() ?? [])].map((object) => structuredClone(object) as unknown as T);
  }

  get<T extends KubeObject>(plural: string, key: string): T | undefined {
    return structuredClone(this.#objects.get(plural)?.get(key)) as unknown as T | undefined;
  }

  /** Stores as another program would: without the checks that hold for the operator. */
  put(plural: string, object: KubeObject): KubeObject {
    const key = keyOf(object);
    const before = this.#objects.get(plural)?.get(key);
    const stored = plain(object) as Stored;
    const generation =
      before === undefined ? 1 : (before.metadata.generation ?? 1) + (sameSpec(before, stored) ? 0 : 1);
    stored.metadata = {
      ...stored.metadata,
      uid: before?.metadata.uid ?? stored.metadata.uid ?? `uid-${++this.#uids}`,
      resourceVersion: String(++this.#version),
      generation,
    };
    const kind = this.#objects.get(plural) ?? new Map<string, Stored>();
    this.#objects.set(plural, kind.set(key, stored));
    this.history.push({ version: this.#version, plural, key, object: structuredClone(stored), last: stored });
    return structuredClone(stored);
  }

  remove(plural: string, key: string): void {
    const last = this.#objects.get(plural)?.get(key);
    if (last === undefined) return;
    this.#objects.get(plural)?.delete(key);
    this.history.push({ version: ++this.#version, plural, key, object: undefined, last });
  }

  create(resource: Resource<KubeObject>, object: KubeObject): KubeObject {
    const before = this.get<Stored>(resource.plural, keyOf(object));
    if (before !== undefined)
      throw conflict('AlreadyExists', `${resource.plural} "${object.metadata.name}" already exists`);
    return this.#write(resource.plural, undefined, object as Stored);
  }

  /** The operator is the only manager here, so what it applies is what it owns. */
  apply(resource: Resource<KubeObject>, object: KubeObject): KubeObject {
    const before = this.get<Stored>(resource.plural, keyOf(object));
    this.#requireVersion(before, object);
    const after = { ...before, ...object, metadata: { ...before?.metadata, ...object.metadata } } as Stored;
    return this.#write(resource.plural, before, after);
  }

  applyStatus(resource: Resource<KubeObject>, object: Stored): KubeObject {
    const before = this.#existing(resource, keyOf(object));
    this.#requireVersion(before, object);
    return this.#write(resource.plural, before, { ...before, status: object.status });
  }

  mergePatch(resource: Resource<KubeObject>, key: string, patch: object): KubeObject {
    const before = this.#existing(resource, key);
    return this.#write(resource.plural, before, merge(before, patch) as Stored);
  }

  #existing(resource: Resource<KubeObject>, key: string): Stored {
    const before = this.get<Stored>(resource.plural, key);
    if (before !== undefined) return before;
    throw new KubeError({ status: 404, reason: 'NotFound', message: `${resource.plural} "${key}" not found` });
  }

  #requireVersion(before: Stored | undefined, object: KubeObject): void {
    const wanted = object.metadata.resourceVersion;
    if (wanted === undefined || wanted === before?.metadata.resourceVersion) return;
    throw conflict('Conflict', `${object.metadata.name}: the object has been modified`);
  }

  #write(plural: string, before: Stored | undefined, after: Stored): KubeObject {
    const next = plain(after) as Stored;
    this.onWrite({ plural, before, after: next });
    // A write that changes nothing makes no new version, as on a real server.
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(next)) return before;
    return this.put(plural, next);
  }
}

function conflict(reason: 'Conflict' | 'AlreadyExists', message: string): KubeError {
  return new KubeError({ status: 409, reason, message });
}

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const sameSpec = (one: Stored, other: Stored) => JSON.stringify(one.spec) === JSON.stringify(other.spec);

function merge(into: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged: Record<string, unknown> = { ...(isRecord(into) ? into : {}) };
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) delete merged[field];
    else if (value !== undefined) merged[field] = merge(merged[field], value);
  }
  return merged;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
