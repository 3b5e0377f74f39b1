import type { KubeClient, ObjectList, Selection, WatchEvent, WatchOptions } from '../../src/kube/kube-client.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { type KubeObject, keyOf, type ObjectRef, type Resource } from '../../src/kube/resource.ts';

export interface Thing extends KubeObject {
  value?: number;
}

export const THINGS: Resource<Thing> = {
  apiVersion: 'test.example/v1',
  kind: 'Thing',
  plural: 'things',
  namespaced: true,
};

interface Watcher {
  push(event: WatchEvent<KubeObject>): void;
  end(error?: unknown): void;
}

const gone = () => new KubeError({ status: 410, reason: 'Expired', message: 'too old resource version' });

/** The API server's rules for one kind, without the wire: versions, history, watches, compaction, conflicts, faults. */
export class MemoryCluster {
  readonly #objects = new Map<string, KubeObject>();
  #history: Array<{ version: number; event: WatchEvent<KubeObject> }> = [];
  #version = 10;
  #compactedAt = 0;
  #uids = 0;
  readonly #watchers = new Set<Watcher>();
  /** Errors that the next lists and watches throw, first in first out. */
  readonly listFaults: unknown[] = [];
  readonly watchFaults: unknown[] = [];
  /** Thrown by `get`, `create` and `replace` while it answers one. */
  fault: (verb: string) => unknown = () => undefined;
  /** Watches open but never say anything. */
  mute = false;
  /** Watches open and end, cleanly, without a word. */
  closeAtOnce = false;
  readonly requests = { list: 0, watch: 0 };

  get watchers(): number {
    return this.#watchers.size;
  }

  objects(): KubeObject[] {
    return [...this.#objects.values()];
  }

  put(object: KubeObject): KubeObject {
    const key = keyOf(object);
    const old = this.#objects.get(key);
    const stored = structuredClone(object);
    stored.metadata.resourceVersion = String(++this.#version);
    stored.metadata.uid = old?.metadata.uid ?? `uid-${++this.#uids}`;
    this.#objects.set(key, stored);
    this.#record(old === undefined ? 'ADDED' : 'MODIFIED', stored);
    return structuredClone(stored);
  }

  remove(key: string): boolean {
    const old = this.#objects.get(key);
    if (old === undefined) return false;
    this.#objects.delete(key);
    const last = structuredClone(old);
    last.metadata.resourceVersion = String(++this.#version);
    this.#record('DELETED', last);
    return true;
  }

  /** Forgets the history, so that watches from before end in 410. */
  compact(): void {
    this.#history = [];
    this.#compactedAt = this.#version;
  }

  /** Ends the open watches: cleanly, or with an error. */
  endWatches(error?: unknown): void {
    for (const watcher of [...this.#watchers]) watcher.end(error);
  }

  bookmark(): void {
    const object: KubeObject = { metadata: { name: '', resourceVersion: String(this.#version) } };
    this.#send({ type: 'BOOKMARK', object });
  }

  /** What the code under test sees. */
  client(): KubeClient {
    const verbs: Partial<KubeClient> = {
      list: <T extends KubeObject>(_: Resource<T>, options?: Selection) => this.#list<T>(options),
      watch: <T extends KubeObject>(_: Resource<T>, options: WatchOptions) => this.#watch<T>(options),
      get: async <T extends KubeObject>(_: Resource<T>, at: ObjectRef) => {
        this.#fail('get');
        return structuredClone(this.#objects.get(keyOf(at))) as T | undefined;
      },
      create: async <T extends KubeObject>(_: Resource<T>, object: T) => {
        this.#fail('create');
        if (this.#objects.has(keyOf(object))) {
          throw new KubeError({ status: 409, reason: 'AlreadyExists', message: 'already exists' });
        }
        return this.put(object) as T;
      },
      replace: async <T extends KubeObject>(_: Resource<T>, object: T) => {
        this.#fail('replace');
        const stored = this.#objects.get(keyOf(object));
        if (stored?.metadata.resourceVersion !== object.metadata.resourceVersion) {
          throw new KubeError({ status: 409, reason: 'Conflict', message: 'the object has been modified' });
        }
        return this.put(object) as T;
      },
    };
    return verbs as KubeClient;
  }

  #fail(verb: string): void {
    const error = this.fault(verb);
    if (error !== undefined) throw error;
  }

  async #list<T extends KubeObject>(_options?: Selection): Promise<ObjectList<T>> {
    this.requests.list += 1;
    await Promise.resolve();
    if (this.listFaults.length > 0) throw this.listFaults.shift();
    return { items: structuredClone(this.objects()) as T[], resourceVersion: String(this.#version) };
  }

  async *#watch<T extends KubeObject>(options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    this.requests.watch += 1;
    await Promise.resolve();
    if (this.watchFaults.length > 0) throw this.watchFaults.shift();
    if (this.closeAtOnce) return;
    const since = Number(options.resourceVersion);
    if (since < this.#compactedAt) throw gone();
    const stream = openStream<T>();
    if (!this.mute) {
      for (const { version, event } of this.#history) if (version > since) stream.push(event);
      this.#watchers.add(stream);
    }
    const abort = () => stream.end(new KubeError({ reason: 'Aborted', message: 'aborted' }));
    options.signal.addEventListener('abort', abort, { once: true });
    try {
      yield* stream.events();
    } finally {
      this.#watchers.delete(stream);
      options.signal.removeEventListener('abort', abort);
    }
  }

  #record(type: WatchEvent<KubeObject>['type'], object: KubeObject): void {
    const event = { type, object };
    this.#history.push({ version: this.#version, event });
    this.#send(event);
  }

  #send(event: WatchEvent<KubeObject>): void {
    for (const watcher of this.#watchers) watcher.push(event);
  }
}

function openStream<T extends KubeObject>() {
  const pending: WatchEvent<T>[] = [];
  let ended: { error?: unknown } | undefined;
  let wake: () => void = () => undefined;
  return {
    push(event: WatchEvent<KubeObject>) {
      // What comes after the end is lost on the wire.
      if (ended !== undefined) return;
      pending.push(structuredClone(event) as WatchEvent<T>);
      wake();
    },
    end(error?: unknown) {
      ended ??= { error };
      wake();
    },
    async *events(): AsyncGenerator<WatchEvent<T>> {
      for (;;) {
        const next = pending.shift();
        if (next !== undefined) yield next;
        else if (ended?.error !== undefined) throw ended.error;
        else if (ended !== undefined) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    },
  };
}
