// What may go wrong on the way from the operator to the API server, call by call.
import type { KubeClient } from '../../../src/kube/kube-client.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import { type KubeObject, keyOf, type ObjectRef, type Resource } from '../../../src/kube/resource.ts';
import type { NodeScaler } from '../../../src/ports/node-scaler.ts';
import type { MemoryApiServer } from './memory-api-server.ts';

export const FAULTS = ['DiesBefore', 'DiesAfter', 'Conflict', 'ServerError', 'TimeoutBefore', 'TimeoutAfter'] as const;
export type Fault = (typeof FAULTS)[number];

/** The process is no more: nothing that it still tries has any effect. */
export class ProcessDied extends Error {
  override readonly name = 'ProcessDied';
}

/** Counts the writes of all processes of a run, and lets those fail that the plan names. */
export class FaultyLine {
  readonly #plan: ReadonlyMap<number, Fault>;
  #calls = 0;
  /** Faults that struck, for the report of a failing run. */
  readonly struck: string[] = [];

  constructor(plan: ReadonlyMap<number, Fault>) {
    this.#plan = plan;
  }

  /** A read has no effect that a crash could tear apart. */
  async read<T>(what: string, process: { dead: boolean }, effect: () => T): Promise<T> {
    await Promise.resolve();
    if (process.dead) throw new ProcessDied(what);
    return effect();
  }

  async write<T>(what: string, process: { dead: boolean }, effect: () => T): Promise<T> {
    await Promise.resolve();
    if (process.dead) throw new ProcessDied(what);
    const fault = this.#plan.get(this.#calls++);
    if (fault !== undefined) this.struck.push(`write ${this.#calls - 1}, ${what}: ${fault}`);
    switch (fault) {
      case 'DiesBefore':
        process.dead = true;
        throw new ProcessDied(what);
      case 'DiesAfter':
        effect();
        process.dead = true;
        throw new ProcessDied(what);
      case 'Conflict':
        throw new KubeError({ status: 409, reason: 'Conflict', message: `${what}: the object has been modified` });
      case 'ServerError':
        throw new KubeError({ status: 500, reason: 'InternalError', message: `${what}: etcd is unwell` });
      case 'TimeoutBefore':
        throw new KubeError({ reason: 'Timeout', message: `${what}: no answer` });
      case 'TimeoutAfter':
        effect();
        throw new KubeError({ reason: 'Timeout', message: `${what}: no answer` });
      default:
        return effect();
    }
  }
}

/** The client of one process. Only the verbs that the operator's shell uses. */
export function clientOf(server: MemoryApiServer, line: FaultyLine, process: { dead: boolean }): KubeClient {
  const call = <T>(verb: string, resource: Resource<KubeObject>, effect: () => KubeObject) =>
    line.write(`${verb} ${resource.plural}`, process, effect) as unknown as Promise<T>;
  const verbs: Partial<KubeClient> = {
    get: async (resource, at) =>
      line.read(`get ${resource.plural}`, process, () => server.get(resource.plural, keyOf(at))),
    create: <T extends KubeObject>(resource: Resource<T>, object: T) =>
      call<T>('create', resource, () => server.create(resource, object)),
    apply: <T extends KubeObject>(resource: Resource<T>, object: unknown) =>
      call<T>('apply', resource, () => server.apply(resource, object as T)),
    applyStatus: <T extends KubeObject>(resource: Resource<T>, object: unknown) =>
      call<T>('apply status of', resource, () => server.applyStatus(resource, object as T)),
    mergePatch: <T extends KubeObject>(resource: Resource<T>, at: ObjectRef, patch: object) =>
      call<T>('patch', resource, () => server.mergePatch(resource, keyOf(at), patch)),
  };
  return verbs as KubeClient;
}

export function scalerOf(scaler: NodeScaler, line: FaultyLine, process: { dead: boolean }): NodeScaler {
  return {
    read: async (pool) => await await line.read('read the scale', process, () => scaler.read(pool)),
    setNodes: async (pool, nodes, token) =>
      await await line.write('write the scale', process, () => scaler.setNodes(pool, nodes, token)),
  };
}
