// The API server as typed operations over any kind of object. Start at `connect`.
import type { CallOptions } from './call.ts';
import type { RateLimit } from './rate-limiter.ts';
import type { KubeObject, ObjectRef, Resource } from './resource.ts';

/** As much of an object as the caller manages. */
type DeepPartial<T> =
  T extends ReadonlyArray<unknown>
    ? T
    : T extends object
      ? { [Field in keyof T]?: DeepPartial<T[Field]> | undefined }
      : T;

/** An apply configuration: name (and namespace), and the fields that the field manager owns. */
export type Applied<T extends KubeObject> = Omit<DeepPartial<T>, 'metadata'> & {
  metadata: DeepPartial<T['metadata']> & { name: string };
};

export interface Selection {
  /** All namespaces when left out. */
  readonly namespace?: string | undefined;
  readonly labelSelector?: string | undefined;
  readonly fieldSelector?: string | undefined;
}

export interface ListOptions extends CallOptions, Selection {
  /** Objects per request, default 500. */
  readonly pageSize?: number;
}

export interface ObjectList<T> {
  readonly items: T[];
  /** Where a watch goes on from. */
  readonly resourceVersion: string;
}

export interface WatchOptions extends Selection {
  readonly resourceVersion: string;
  /** The server closes the watch after this. */
  readonly timeoutSeconds: number;
  /** Ends the watch and closes its connection. */
  readonly signal: AbortSignal;
}

/** A bookmark's object has only kind and metadata.resourceVersion. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

export interface WriteOptions extends CallOptions {
  /** Validated by the server, not stored. */
  readonly dryRun?: boolean | undefined;
  readonly fieldManager?: string | undefined;
}

export interface ApplyOptions extends WriteOptions {
  readonly fieldManager: string;
  /** Takes fields over from other managers; default true, as controllers should. */
  readonly force?: boolean | undefined;
}

export interface DeleteOptions extends CallOptions {
  readonly propagation?: 'Background' | 'Foreground' | 'Orphan' | undefined;
  readonly gracePeriodSeconds?: number | undefined;
  /** Deletes only this very object: a conflict otherwise. */
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string } | undefined;
  readonly dryRun?: boolean | undefined;
}

export interface JsonPatchOperation {
  readonly op: 'add' | 'remove' | 'replace' | 'test' | 'move' | 'copy';
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

export interface DiscoveredKind {
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  readonly hasScale: boolean;
}

export interface Scale {
  /** Asked for. */
  readonly replicas: number;
  /** Seen by its controller; absent when it has not reported. */
  readonly observedReplicas: number | undefined;
  readonly selector: string | undefined;
  readonly resourceVersion: string | undefined;
}

/**
 * Every operation throws KubeError, times out per attempt, and ends with reason `Aborted` when its signal aborts.
 * Idempotent ones are tried up to five times on 429, 5xx and lost connections, with backoff and Retry-After.
 */
export interface KubeClient {
  readonly server: string;
  /** Of the kubeconfig's context, or of the pod's service account. */
  readonly defaultNamespace: string;
  /** Undefined when there is none. */
  get<T extends KubeObject>(resource: Resource<T>, at: ObjectRef, options?: CallOptions): Promise<T | undefined>;
  /** Reads all pages; starts over once when the continue token expires. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends when the server closes it. Throws isGone when the version is too old. Informers do the rest. */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>>;
  /** Throws isAlreadyExists. Not idempotent: retried only when the server surely did nothing. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** PUT. With metadata.resourceVersion set it throws isConflict when the object changed meanwhile. */
  replace<T extends KubeObject>(resource: Resource<T>, object: T, options?: WriteOptions): Promise<T>;
  /** Server-side apply; creates the object when missing. */
  apply<T extends KubeObject>(resource: Resource<T>, object: Applied<T>, options: ApplyOptions): Promise<T>;
  applyStatus<T extends KubeObject>(resource: Resource<T>, object: Applied<T>, options: ApplyOptions): Promise<T>;
  /** Throws isNotFound; with metadata.resourceVersion in the patch, isConflict. */
  mergePatch<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectRef,
    patch: object,
    options?: WriteOptions,
  ): Promise<T>;
  mergePatchStatus<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectRef,
    patch: object,
    options?: WriteOptions,
  ): Promise<T>;
  /** Throws isInvalid when a `test` operation fails. Not retried unless the server surely did nothing. */
  jsonPatch<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectRef,
    operations: readonly JsonPatchOperation[],
    options?: WriteOptions,
  ): Promise<T>;
  /** Undefined when the object, or its scale subresource, does not exist. */
  getScale<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectRef,
    options?: CallOptions,
  ): Promise<Scale | undefined>;
  /** With `resourceVersion`, throws isConflict when the object changed since. */
  setScale<T extends KubeObject>(
    resource: Resource<T>,
    at: ObjectRef,
    to: { readonly replicas: number; readonly resourceVersion?: string | undefined },
    options?: WriteOptions,
  ): Promise<Scale>;
  /** False when it was not there. Throws isConflict when a precondition does not hold. */
  delete<T extends KubeObject>(resource: Resource<T>, at: ObjectRef, options?: DeleteOptions): Promise<boolean>;
  /** The kinds that the server serves in one group and version; empty when it serves none. */
  discover(apiVersion: string, options?: CallOptions): Promise<readonly DiscoveredKind[]>;
  /** Evicts a pod; false when it was gone. Throws isBlockedByDisruptionBudget, which is not retried here. */
  evict(
    pod: ObjectRef,
    options?: CallOptions & { readonly gracePeriodSeconds?: number; readonly uid?: string; readonly dryRun?: boolean },
  ): Promise<boolean>;
  /** Closes idle connections. */
  close(): void;
}

export interface ConnectOptions {
  /** Default: KUBECONFIG, ~/.kube/config, then the pod's service account. */
  readonly kubeconfigPath?: string | undefined;
  readonly context?: string | undefined;
  readonly requestTimeoutSeconds: number;
  /** Client-side limit, default 50 per second with a burst of 100. */
  readonly rateLimit?: RateLimit | undefined;
  readonly userAgent?: string | undefined;
}
