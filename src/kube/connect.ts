import { type Call, type CallerParts, callForJson, callForStream } from './call.ts';
import { type Clock, type Random, systemClock, systemRandom } from './clock.ts';
import { readKinds, type WireResourceList } from './discovery.ts';
import type {
  Applied,
  ApplyOptions,
  ConnectOptions,
  DeleteOptions,
  JsonPatchOperation,
  KubeClient,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from './kube-client.ts';
import { errorFromStatus, isKubeError, isNotFound, KubeError } from './kube-error.ts';
import { type KubeMetrics, noMetrics } from './kube-metrics.ts';
import { listAll } from './list-all.ts';
import { RateLimiter } from './rate-limiter.ts';
import { type KubeObject, keyOf, type ObjectRef, pathOf, type Resource } from './resource.ts';
import { readScale, scalePatch, type WireScale } from './scale.ts';
import { openTransport, readJsonLines } from './transport.ts';

const MERGE_PATCH = 'application/merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
// JSON is YAML: the body stays JSON.
const APPLY_PATCH = 'application/apply-patch+yaml';

type AnyResource = Resource<KubeObject>;

/** @throws Error naming the file, context or variable when there is no usable configuration */
export function connect(
  options: ConnectOptions,
  parts: { clock?: Clock; random?: Random; metrics?: KubeMetrics } = {},
): KubeClient {
  const clock = parts.clock ?? systemClock;
  const transport = openTransport({ ...options, userAgent: options.userAgent ?? 'kube-runtime' });
  const caller: CallerParts = {
    transport,
    limiter: new RateLimiter(options.rateLimit ?? { perSecond: 50, burst: 100 }, clock),
    clock,
    random: parts.random ?? systemRandom,
    metrics: parts.metrics ?? noMetrics,
    requestTimeoutSeconds: options.requestTimeoutSeconds,
  };
  return {
    server: transport.server,
    defaultNamespace: transport.defaultNamespace,
    list: (resource, listOptions = {}) => listAll(caller, resource, listOptions),
    watch: (resource, watchOptions) => watch(caller, resource, watchOptions),
    close: () => transport.close(),
    ...readsOf(caller),
    ...writesOf(caller),
    ...patchesOf(caller),
    ...removalsOf(caller),
  };
}

function readsOf(caller: CallerParts): Pick<KubeClient, 'get' | 'getScale' | 'discover'> {
  return {
    get: async (resource, at, options) =>
      orUndefined(callForJson(caller, describe('get', resource, at, { method: 'GET', idempotent: true }), options)),
    async getScale(resource, at, options) {
      const call = describe('get', resource, { ...at, subresource: 'scale' }, { method: 'GET', idempotent: true });
      const scale = await orUndefined(callForJson<WireScale>(caller, call, options));
      return scale && readScale(scale);
    },
    async discover(apiVersion, options) {
      const call: Call = {
        method: 'GET',
        verb: 'discover',
        resource: 'apiresources',
        what: `discover ${apiVersion}`,
        path: `/${apiVersion.includes('/') ? 'apis' : 'api'}/${apiVersion}`,
        idempotent: true,
      };
      return readKinds(await orUndefined(callForJson<WireResourceList>(caller, call, options)));
    },
  };
}

function writesOf(caller: CallerParts): Pick<KubeClient, 'create' | 'replace' | 'apply' | 'applyStatus'> {
  const apply = async <T extends KubeObject>(
    resource: Resource<T>,
    object: Applied<T>,
    options: ApplyOptions,
    subresource?: string,
  ) => {
    const at = { ...refIn(resource, object.metadata), ...(subresource === undefined ? {} : { subresource }) };
    const call = describe('apply', resource, at, {
      method: 'PATCH',
      contentType: APPLY_PATCH,
      query: { ...writeQuery(options), force: options.force ?? true },
      body: typed(resource, object),
      idempotent: true,
    });
    return callForJson<T>(caller, call, options);
  };
  return {
    async create<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}) {
      const { namespace, name } = object.metadata;
      const request = describe('create', resource, { namespace, name }, { method: 'POST', idempotent: false });
      const collection = pathOf(resource, { namespace });
      const body = typed(resource, object);
      return callForJson<T>(caller, { ...request, path: collection, query: writeQuery(options), body }, options);
    },
    async replace<T extends KubeObject>(resource: Resource<T>, object: T, options: WriteOptions = {}) {
      const call = describe('replace', resource, refIn(resource, object.metadata), {
        method: 'PUT',
        query: writeQuery(options),
        body: typed(resource, object),
        // A second PUT with a resourceVersion would meet its own first one as a conflict.
        idempotent: object.metadata.resourceVersion === undefined,
      });
      return callForJson<T>(caller, call, options);
    },
    apply: (resource, object, options) => apply(resource, object, options),
    applyStatus: (resource, object, options) => apply(resource, object, options, 'status'),
  };
}

function patchesOf(
  caller: CallerParts,
): Pick<KubeClient, 'mergePatch' | 'mergePatchStatus' | 'jsonPatch' | 'setScale'> {
  const mergePatch = async <T>(
    resource: AnyResource,
    at: ObjectRef & { subresource?: string },
    patch: object,
    options: WriteOptions,
  ) => {
    const query = writeQuery(options);
    const idempotent = !hasResourceVersion(patch);
    const rest = { method: 'PATCH', contentType: MERGE_PATCH, query, body: patch, idempotent } as const;
    return callForJson<T>(caller, describe('patch', resource, at, rest), options);
  };
  return {
    mergePatch: (resource, at, patch, options = {}) => mergePatch(resource, at, patch, options),
    mergePatchStatus: (resource, at, patch, options = {}) =>
      mergePatch(resource, { ...at, subresource: 'status' }, patch, options),
    async jsonPatch(resource, at, operations: readonly JsonPatchOperation[], options = {}) {
      const query = writeQuery(options);
      const rest = { method: 'PATCH', contentType: JSON_PATCH, query, body: operations, idempotent: false } as const;
      return callForJson(caller, describe('patch', resource, at, rest), options);
    },
    async setScale(resource, at, to, options = {}) {
      return readScale(await mergePatch<WireScale>(resource, { ...at, subresource: 'scale' }, scalePatch(to), options));
    },
  };
}

function removalsOf(caller: CallerParts): Pick<KubeClient, 'delete' | 'evict'> {
  return {
    async delete(resource, at, options: DeleteOptions = {}) {
      const call = describe('delete', resource, at, {
        method: 'DELETE',
        body: {
          kind: 'DeleteOptions',
          apiVersion: 'v1',
          propagationPolicy: options.propagation ?? 'Background',
          gracePeriodSeconds: options.gracePeriodSeconds,
          preconditions: options.preconditions,
          ...(options.dryRun ? { dryRun: ['All'] } : {}),
        },
        idempotent: true,
      });
      return (await orUndefined(callForJson(caller, call, options))) !== undefined;
    },
    async evict(pod, options = {}) {
      const pods: AnyResource = { apiVersion: 'v1', kind: 'Pod', plural: 'pods', namespaced: true };
      const call = describe(
        'evict',
        pods,
        { ...pod, subresource: 'eviction' },
        {
          method: 'POST',
          body: {
            apiVersion: 'policy/v1',
            kind: 'Eviction',
            metadata: { name: pod.name, namespace: pod.namespace },
            deleteOptions: {
              gracePeriodSeconds: options.gracePeriodSeconds,
              ...(options.uid === undefined ? {} : { preconditions: { uid: options.uid } }),
              ...(options.dryRun ? { dryRun: ['All'] } : {}),
            },
          },
          idempotent: false,
        },
      );
      // 429 here means a disruption budget says no, which waiting a second does not change.
      return (await orUndefined(callForJson(caller, call, { ...options, retry: 'never' }))) !== undefined;
    },
  };
}

async function* watch<T extends KubeObject>(
  caller: CallerParts,
  resource: Resource<T>,
  options: WatchOptions,
): AsyncGenerator<WatchEvent<T>> {
  const { resourceVersion, timeoutSeconds, labelSelector, fieldSelector, namespace, signal } = options;
  const query = { watch: true, allowWatchBookmarks: true, resourceVersion, timeoutSeconds };
  const call = {
    ...describe('watch', resource, {}, { method: 'GET', idempotent: true }),
    path: pathOf(resource, { namespace }),
    query: { ...query, labelSelector, fieldSelector },
  };
  const response = await callForStream(caller, call, { signal });
  try {
    for await (const line of readJsonLines(response)) {
      const event = line as { type?: string; object?: unknown };
      if (event.type === 'ERROR') throw errorFromStatus(call.what, event.object);
      yield event as WatchEvent<T>;
    }
  } catch (cause) {
    if (isKubeError(cause)) throw cause;
    const reason = signal.aborted ? 'Aborted' : 'ConnectionFailed';
    throw new KubeError({ reason, message: `${call.what}: ${(cause as Error).message}`, cause });
  } finally {
    response.destroy();
  }
}

function describe<T extends KubeObject>(
  verb: string,
  resource: Resource<T>,
  at: { name?: string | undefined; namespace?: string | undefined; subresource?: string },
  rest: Omit<Call, 'what' | 'verb' | 'resource' | 'path'>,
): Call {
  const named = at.name === undefined ? '' : ` ${keyOf({ name: at.name, namespace: at.namespace })}`;
  const part = at.subresource === undefined ? '' : ` ${at.subresource}`;
  return {
    verb,
    resource: resource.plural,
    what: `${verb} ${resource.kind}${named}${part}`,
    path: pathOf(resource, at),
    ...rest,
  };
}

/** The object as the wire wants it: with apiVersion and kind. */
function typed(resource: AnyResource, object: object): object {
  return { ...object, apiVersion: resource.apiVersion, kind: resource.kind };
}

function refIn(resource: AnyResource, metadata: { name: string; namespace?: string | undefined }): ObjectRef {
  return { name: metadata.name, namespace: resource.namespaced ? metadata.namespace : undefined };
}

const writeQuery = (options: WriteOptions) => ({
  fieldManager: options.fieldManager,
  dryRun: options.dryRun ? 'All' : undefined,
});

function hasResourceVersion(patch: object): boolean {
  return (patch as Partial<KubeObject>).metadata?.resourceVersion !== undefined;
}

async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
