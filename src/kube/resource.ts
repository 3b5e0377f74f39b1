// What every Kubernetes object has, and how a kind is addressed on the wire.

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
  controller?: boolean | undefined;
  blockOwnerDeletion?: boolean | undefined;
}

export interface ObjectMeta {
  name: string;
  generateName?: string | undefined;
  namespace?: string | undefined;
  uid?: string | undefined;
  resourceVersion?: string | undefined;
  generation?: number | undefined;
  creationTimestamp?: string | undefined;
  deletionTimestamp?: string | undefined;
  labels?: Record<string, string> | undefined;
  annotations?: Record<string, string> | undefined;
  finalizers?: string[] | undefined;
  ownerReferences?: OwnerReference[] | undefined;
  managedFields?: unknown[] | undefined;
}

export interface KubeObject {
  apiVersion?: string | undefined;
  kind?: string | undefined;
  metadata: ObjectMeta;
}

/** One kind of object. `T` travels with the value, so that `get(JOBS, …)` returns a Job. */
export interface Resource<T extends KubeObject> {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
  /** Never set: it only carries the type. */
  readonly objectType?: T;
}

/** Where one object lives; `namespace` is required for namespaced kinds and ignored for others. */
export interface ObjectRef {
  readonly name: string;
  readonly namespace?: string | undefined;
}

/** `namespace/name`, or `name` alone for cluster-scoped objects: what goes on a work queue. */
export function keyOf(object: KubeObject | ObjectRef): string {
  const { name, namespace } = 'metadata' in object ? object.metadata : object;
  return namespace ? `${namespace}/${name}` : name;
}

export function refOf(key: string): ObjectRef {
  const slash = key.indexOf('/');
  return slash < 0 ? { name: key } : { namespace: key.slice(0, slash), name: key.slice(slash + 1) };
}

/** @throws Error when a namespaced kind is addressed by name without a namespace */
export function pathOf<T extends KubeObject>(
  resource: Resource<T>,
  at: { namespace?: string | undefined; name?: string | undefined; subresource?: string } = {},
): string {
  const root = resource.apiVersion.includes('/') ? 'apis' : 'api';
  const parts = [root, ...resource.apiVersion.split('/')];
  if (resource.namespaced && at.namespace) parts.push('namespaces', at.namespace);
  else if (resource.namespaced && at.name !== undefined) {
    throw new Error(`${resource.kind} "${at.name}" is namespaced: its reference needs a namespace`);
  }
  parts.push(resource.plural);
  if (at.name !== undefined) parts.push(at.name);
  if (at.subresource !== undefined) parts.push(at.subresource);
  return `/${parts.map(encodeURIComponent).join('/')}`;
}
