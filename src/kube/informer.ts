// A cache of one kind of object that follows the server through every fault until it is stopped.
import { openAbortScope } from './abort-scope.ts';
import { type BackoffOptions, backoffSeconds } from './backoff.ts';
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
import type { KubeClient, Selection, WatchEvent } from './kube-client.ts';
import { isGone, isKubeError, isResourceVersionTooLarge } from './kube-error.ts';
import { type KubeLog, type KubeMetrics, noLog, noMetrics } from './kube-metrics.ts';
import { type IndexFunction, type ObjectChange, ObjectStore } from './object-store.ts';
import { type KubeObject, keyOf, type Resource } from './resource.ts';

export type { ObjectChange };

export interface InformerOptions<T extends KubeObject> extends Selection {
  readonly client: KubeClient;
  readonly resource: Resource<T>;
  /** Sheds or derives fields before caching. Must keep metadata's name, namespace, uid and resourceVersion. */
  readonly transform?: (object: T) => T;
  readonly indexes?: Readonly<Record<string, IndexFunction<T>>>;
  /** Every cached object is reported again, as updated with `old === object`, this often; default 600, 0 = never. */
  readonly resyncSeconds?: number;
  /** The server is asked to close each watch after 1 to 2 times this; default 300. */
  readonly watchSeconds?: number;
  /** No event or bookmark for this long ends the watch; default 120, as servers send a bookmark a minute. */
  readonly silenceSeconds?: number;
  /** After failures; default 0.5 s doubling to 30 s. */
  readonly backoff?: BackoffOptions;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly metrics?: KubeMetrics;
  readonly log?: KubeLog;
}

/** A watch that lived this long ended in the normal course; a shorter one counts as a failure and backs off. */
const HEALTHY_SECONDS = 10;
/** So many watches failing in a row cast doubt on the version they go on from: list again. */
const FAILURES_BEFORE_RELIST = 3;
const MAX_RETRY_AFTER_SECONDS = 60;

export class Informer<T extends KubeObject> {
  readonly resource: Resource<T>;
  /** Resolves when the first full list is cached; rejects when stopped before. */
  readonly synced: Promise<void>;
  readonly #options: InformerOptions<T>;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #metrics: KubeMetrics;
  readonly #log: KubeLog;
  readonly #store: ObjectStore<T>;
  readonly #listeners = new Set<(change: ObjectChange<T>) => void>();
  #resolveSynced: () => void = () => undefined;
  #rejectSynced: (reason: unknown) => void = () => undefined;
  #hasSynced = false;
  #resourceVersion: string | undefined;
  #lastEventAt: number | undefined;

  constructor(options: InformerOptions<T>) {
    this.resource = options.resource;
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? systemRandom;
    this.#metrics = options.metrics ?? noMetrics;
    this.#log = options.log ?? noLog;
    this.#store = new ObjectStore(options.indexes);
    this.synced = new Promise((resolve, reject) => {
      this.#resolveSynced = resolve;
      this.#rejectSynced = reject;
    });
    // Whoever awaits `synced` sees the rejection; nobody awaiting it is no crash.
    this.synced.catch(() => undefined);
  }

  get hasSynced(): boolean {
    return this.#hasSynced;
  }

  get size(): number {
    return this.#store.size;
  }

  /** Seconds since the server last sent anything; undefined before the first list. */
  get lastEventAgeSeconds(): number | undefined {
    return this.#lastEventAt === undefined ? undefined : this.#clock.monotonicSeconds() - this.#lastEventAt;
  }

  /** The object, deeply frozen. */
  get(key: string): T | undefined {
    return this.#store.get(key);
  }

  list(): T[] {
    return this.#store.list();
  }

  /** @throws Error on an index that was not declared */
  byIndex(name: string, value: string): T[] {
    return this.#store.byIndex(name, value);
  }

  /** Reports what is cached already as added, then every change in order. Returns a function that ends it. */
  onChange(listener: (change: ObjectChange<T>) => void): () => void {
    this.#listeners.add(listener);
    for (const object of this.#store.list()) this.#tell(listener, { type: 'added', object });
    return () => this.#listeners.delete(listener);
  }

  /** Lists and watches until `stop` aborts. Never rejects. Runs once. */
  async run(stop: AbortSignal): Promise<void> {
    const resyncs = this.#resyncUntil(stop);
    let failures = 0;
    while (!stop.aborted) {
      const end = await this.#listAndWatch(stop);
      if (stop.aborted) break;
      failures = (end.watchedSeconds ?? 0) < HEALTHY_SECONDS ? failures + 1 : Number(end.failed);
      const doubtful = failures > 0 && failures % FAILURES_BEFORE_RELIST === 0;
      if (end.stale || doubtful) this.#resourceVersion = undefined;
      const backoff = this.#options.backoff ?? { baseSeconds: 0.5, maxSeconds: 30 };
      const asked = Math.min(end.retryAfterSeconds ?? 0, MAX_RETRY_AFTER_SECONDS);
      const delaySeconds = Math.max(asked, backoffSeconds(failures, backoff, this.#random));
      this.#metrics.watchRestarted({ resource: this.resource.plural, cause: end.cause, delaySeconds });
      await this.#clock.sleep(delaySeconds, stop);
    }
    this.#rejectSynced(new Error(`the ${this.resource.kind} informer was stopped before its first list`));
    await resyncs;
  }

  /** One round; says how it ended. */
  async #listAndWatch(stop: AbortSignal): Promise<WatchEnd> {
    let watchingSince: number | undefined;
    const watchedSeconds = () => watchingSince && this.#clock.monotonicSeconds() - watchingSince;
    try {
      if (this.#resourceVersion === undefined) await this.#relist(stop);
      watchingSince = this.#clock.monotonicSeconds();
      await this.#follow(stop);
      return { cause: 'Closed', failed: false, stale: false, watchedSeconds: watchedSeconds() };
    } catch (error) {
      const stale = isGone(error) || isResourceVersionTooLarge(error);
      const kubeError = isKubeError(error) ? error : undefined;
      const cause = error === SILENT ? 'Silent' : (kubeError?.reason ?? 'Unexpected');
      if (!stop.aborted && !stale) {
        const resource = this.resource.plural;
        this.#log.warn('list or watch failed, starting again', { resource, cause, error });
      }
      const retryAfterSeconds = kubeError?.retryAfterSeconds;
      return { cause, failed: true, stale, watchedSeconds: watchedSeconds(), retryAfterSeconds };
    }
  }

  async #relist(stop: AbortSignal): Promise<void> {
    const startedAt = this.#clock.monotonicSeconds();
    const { client, namespace, labelSelector, fieldSelector } = this.#options;
    const list = await client.list(this.resource, { namespace, labelSelector, fieldSelector, signal: stop });
    this.#lastEventAt = this.#clock.monotonicSeconds();
    const changes = this.#store.replace(list.items.map((item) => this.#transform(item)));
    this.#resourceVersion = list.resourceVersion;
    const seconds = this.#lastEventAt - startedAt;
    this.#metrics.relisted({ resource: this.resource.plural, objects: list.items.length, seconds });
    for (const change of changes) this.#publish(change);
    this.#hasSynced = true;
    this.#resolveSynced();
  }

  /** Follows one watch to its end. @throws KubeError, or SILENT */
  async #follow(stop: AbortSignal): Promise<void> {
    const { client, namespace, labelSelector, fieldSelector, watchSeconds = 300 } = this.#options;
    const scope = openAbortScope(stop);
    // A silent watch is left at once, even when its socket never confirms that it was closed.
    const silence = this.#waitForSilence(scope.signal);
    try {
      const events = client.watch(this.resource, {
        namespace,
        labelSelector,
        fieldSelector,
        resourceVersion: this.#resourceVersion ?? '',
        timeoutSeconds: Math.round(watchSeconds * (1 + this.#random())),
        signal: scope.signal,
      });
      await Promise.race([this.#takeIn(events, scope.signal), silence]);
    } finally {
      scope.abort('watch ended');
      scope.close();
    }
  }

  async #takeIn(events: AsyncGenerator<WatchEvent<T>>, signal: AbortSignal): Promise<void> {
    for await (const { type, object } of events) {
      if (signal.aborted) return;
      this.#lastEventAt = this.#clock.monotonicSeconds();
      this.#metrics.watchEvent({ resource: this.resource.plural, type });
      const changes = this.#applyEvent(type, object);
      this.#resourceVersion = object.metadata.resourceVersion ?? this.#resourceVersion;
      for (const change of changes) this.#publish(change);
    }
  }

  #applyEvent(type: WatchEvent<T>['type'], object: T): ObjectChange<T>[] {
    if (type === 'BOOKMARK') return [];
    if (type === 'DELETED') return this.#store.remove(keyOf(object), this.#transform(object));
    return this.#store.put(this.#transform(object));
  }

  /** Rejects with SILENT when nothing was received for too long; resolves never, or when `signal` aborts. */
  async #waitForSilence(signal: AbortSignal): Promise<void> {
    const limit = this.#options.silenceSeconds ?? 120;
    const since = this.#clock.monotonicSeconds();
    while (!signal.aborted) {
      const quietSince = Math.max(since, this.#lastEventAt ?? since);
      const left = quietSince + limit - this.#clock.monotonicSeconds();
      if (left <= 0) throw SILENT;
      await this.#clock.sleep(left, signal);
    }
  }

  async #resyncUntil(stop: AbortSignal): Promise<void> {
    const period = this.#options.resyncSeconds ?? 600;
    if (period <= 0) return;
    while (!stop.aborted) {
      await this.#clock.sleep(period, stop);
      if (stop.aborted) return;
      for (const object of this.#store.list()) this.#publish({ type: 'updated', object, old: object });
    }
  }

  #transform(object: T): T {
    return this.#options.transform === undefined ? object : this.#options.transform(object);
  }

  #publish(change: ObjectChange<T>): void {
    for (const listener of this.#listeners) this.#tell(listener, change);
  }

  #tell(listener: (change: ObjectChange<T>) => void, change: ObjectChange<T>): void {
    try {
      listener(change);
    } catch (error) {
      this.#metrics.listenerFailed({ resource: this.resource.plural });
      const fields = { resource: this.resource.plural, key: keyOf(change.object), error };
      this.#log.error('a change listener failed', fields);
    }
  }
}

const SILENT = new Error('the watch was silent for too long');

interface WatchEnd {
  readonly cause: string;
  readonly failed: boolean;
  /** The version to go on from is of no use: list again. */
  readonly stale: boolean;
  /** Undefined when the list before the watch failed. */
  readonly watchedSeconds: number | undefined;
  readonly retryAfterSeconds?: number | undefined;
}
