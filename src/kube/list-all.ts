import { type CallerParts, callForJson } from './call.ts';
import type { ListOptions, ObjectList } from './kube-client.ts';
import { isGone } from './kube-error.ts';
import { type KubeObject, pathOf, type Resource } from './resource.ts';

const PAGE_SIZE = 500;

interface WireList<T> {
  items?: T[] | null;
  metadata?: { resourceVersion?: string; continue?: string };
}

/** @throws KubeError */
export async function listAll<T extends KubeObject>(
  caller: CallerParts,
  resource: Resource<T>,
  options: ListOptions,
): Promise<ObjectList<T>> {
  try {
    return await listPages(caller, resource, options, options.pageSize ?? PAGE_SIZE);
  } catch (error) {
    if (!isGone(error)) throw error;
    // The continue token expired under a slow list: one unpaged request always ends.
    return listPages(caller, resource, options, undefined);
  }
}

async function listPages<T extends KubeObject>(
  caller: CallerParts,
  resource: Resource<T>,
  options: ListOptions,
  limit: number | undefined,
): Promise<ObjectList<T>> {
  const { namespace, labelSelector, fieldSelector } = options;
  const items: T[] = [];
  let token: string | undefined;
  for (;;) {
    const call = {
      method: 'GET',
      verb: 'list',
      resource: resource.plural,
      what: `list ${resource.kind}`,
      path: pathOf(resource, { namespace }),
      query: { labelSelector, fieldSelector, limit, continue: token },
      idempotent: true,
    } as const;
    const page = await callForJson<WireList<T>>(caller, call, options);
    // Items of a typed list come without apiVersion and kind.
    const { apiVersion, kind } = resource;
    for (const item of page.items ?? []) items.push({ ...item, apiVersion, kind });
    token = page.metadata?.continue;
    if (!token) return { items, resourceVersion: page.metadata?.resourceVersion ?? '' };
  }
}
